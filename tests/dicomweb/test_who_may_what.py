"""Every route, every method, every kind of caller; and that nobody learns anything of another tenant."""

import io
import json
import os
import re
from contextlib import contextmanager
from dataclasses import dataclass, field

import pydicom
import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dicomhub.accounts.models import ApiToken, TenantMembership
from dicomhub.accounts.scope import ALL_SCOPES, Scope
from dicomhub.accounts.tokens import make_token
from dicomhub.tenants.models import Tenant
from tasks.warehouse.access_journal import journal_directory
from tests.dicomweb.walking import METHODS, STUDY, routes
from tests.support.authenticated import with_auth
from tests.support.oidc import providing
from tests.support.samples import sample

ONLY_IN_B, NOWHERE = "1.2.840.1.2", "1.2.840.1.3"
MARKS = {"default": b"PATIENT-OF-THE-DEFAULT-TENANT", "b": b"PATIENT-OF-TENANT-B"}
CSRF = "k" * 32
USUAL_METHODS = ("GET", "POST", "DELETE")


@pytest.fixture
def archive(filling, settings, environment, tmp_path, caplog):
    """The same UIDs in both tenants, of different patients; and a study that only b has."""
    Tenant.objects.create(name="b")
    for tenant, mark in MARKS.items():
        filling.add(instance(tmp_path, mark, STUDY), tenant=tenant)
    filling.add(instance(tmp_path, MARKS["b"], ONLY_IN_B), tenant="b")
    settings.ENVIRONMENT = with_auth(environment)
    caplog.set_level("ERROR", "django.request")  # a line for each refusal
    return filling


def instance(folder, mark, study):
    data_set = pydicom.dcmread(sample("CT_small.dcm"))
    data_set.StudyInstanceUID, data_set.SeriesInstanceUID = study, f"{study}.1"
    data_set.SOPInstanceUID = data_set.file_meta.MediaStorageSOPInstanceUID = f"{study}.1.1"
    data_set.PatientID = data_set.PatientName = data_set.StudyDescription = mark.decode()
    data_set.PixelData = (mark * len(data_set.PixelData))[: len(data_set.PixelData)]
    path = folder / f"{mark.decode()}-{study}.dcm"
    data_set.save_as(path)
    return path


@dataclass
class Caller:
    """scopes: what he may do in which tenant; refusal: what he is answered everywhere else."""

    headers: dict[str, str] = field(default_factory=dict)
    user: User | None = None
    scopes: dict[str, frozenset[str]] = field(default_factory=dict)
    refusal: int = 404
    is_thorough: bool = False

    def __post_init__(self) -> None:
        # A user sends what his browser would: the cookie and, with what is unsafe, the header.
        # Requests are told apart by their ids, which answers hold: here all have the same.
        self._client = Client(enforce_csrf_checks=True, headers={"X-Request-ID": "one"} | self.headers)
        if self.user is not None:
            self._client.force_login(self.user)
            self._client.cookies["csrftoken"] = CSRF
            self._client.defaults["HTTP_X_CSRFTOKEN"] = CSRF

    def ask(self, method, path):
        response = self._client.generic(method, path)
        body = b"".join(response.streaming_content) if response.streaming else response.content
        return response, body

    def expected(self, route, method, tenant):
        """Statuses by which he is refused; none when it is up to the resource."""
        if tenant not in self.scopes:
            return {self.refusal}
        if method == "OPTIONS":
            return set()
        scope = route.scopes.get("GET" if method == "HEAD" else method)
        if scope is None:
            return {405}
        return set() if scope in self.scopes[tenant] else {403}


def bearer(text):
    return {"Authorization": f"Bearer {text}"}


def token(tenant, scopes=ALL_SCOPES, **changed):
    name = f"{tenant}-{ApiToken.objects.count()}"
    text = make_token(name, tenants=Tenant.objects.filter(name=tenant), scopes=scopes)
    ApiToken.objects.filter(name=name).update(**changed)
    return bearer(text)


def member(name, tenant, *, group=False, **switches):
    user = User.objects.create_user(name)
    holder = {"user": user}
    if group:
        holder = {"group": Group.objects.create(name=name)}
        user.groups.add(holder["group"])
    TenantMembership.objects.create(tenant_id=tenant, **holder, **switches)
    return user


def callers_of_ours():
    every = frozenset(map(str, ALL_SCOPES))
    now = timezone.now()
    yield "nobody", Caller(refusal=401)
    yield "a made-up token", Caller(bearer("dicomhub_000000000000_x"), refusal=401)
    yield "no token of ours", Caller(bearer("a.b.c"), refusal=401)
    yield "another scheme", Caller({"Authorization": "Basic YTpi"}, refusal=401)
    yield "an expired token", Caller(token("default", expires_at=now), refusal=401)
    yield "a revoked token", Caller(token("default", revoked_at=now), refusal=401)
    for tenant in ("default", "b"):
        yield f"a token of {tenant}", Caller(token(tenant), scopes={tenant: every}, is_thorough=True)
    for scope in Scope:
        yield f"a token for {scope}", Caller(token("default", {scope}), scopes={"default": {scope.value}})
    yield "a token for nothing", Caller(token("default", ()), scopes={"default": frozenset()})
    yield "a stranger", Caller(user=User.objects.create_user("stranger", is_staff=True))
    yield "a member of b", Caller(user=member("bob", "b"), scopes={"b": {"read", "search"}})
    yield (
        "one of a group",
        Caller(
            user=member("ann", "default", group=True, may_read=False, may_delete=True),
            scopes={"default": {"search", "delete"}},
        ),
    )
    root = User.objects.create_superuser("root")
    yield "a superuser", Caller(user=root, scopes=dict.fromkeys(MARKS, every))
    revoked_while_signed_in = User.objects.create_superuser("gone", is_active=False)
    yield "who was locked out", Caller(user=revoked_while_signed_in, refusal=401)


def callers_of(provider):
    every = frozenset(map(str, ALL_SCOPES))
    yield "of default", Caller(bearer(provider.token("of-default")), scopes={"default": every})
    yield "of b", Caller(bearer(provider.token("of-b")), scopes={"b": every})
    yield "of none", Caller(bearer(provider.token("of-none")))
    only_read = bearer(provider.token("of-both", "dicomweb.read"))
    yield "reads in both", Caller(only_read, scopes={tenant: frozenset(("read",)) for tenant in MARKS})
    yield "expired", Caller(bearer(provider.forged(exp=0)), refusal=401)
    yield (
        "of another audience",
        Caller(bearer(provider.token("of-b", audience="https://x.example")), refusal=401),
    )
    nowhere = Caller(bearer(provider.forged(tenant="nowhere")))
    yield "of a tenant that there is not", nowhere


def walk(callers):
    for who, caller in callers:
        for route in routes():
            for method in METHODS if caller.is_thorough else USUAL_METHODS:
                for tenant, mark in MARKS.items() if caller.scopes else [("b", MARKS["b"])]:
                    case = (who, method, route.pattern, tenant)
                    # What deletes is asked for what is not there: the archive is for all callers.
                    path = route.path(tenant, study=NOWHERE if method == "DELETE" else STUDY)
                    response, body = caller.ask(method, path)
                    check(case, caller.expected(route, method, tenant), response, body)
                    assert not any(other in body for other in MARKS.values() if other != mark), case
                    if method == "GET" and route.pattern == "studies" and response.status_code == 200:
                        assert mark in body, case


def check(case, refusals, response, body):
    """A route that several views share answers 405 by itself, whoever asks."""
    status = response.status_code
    if not refusals:
        assert status not in {401, 403}, case
        assert status < 500, case
        assert b"no such tenant" not in body, case
        return
    assert status in refusals | {405}, (case, status)
    if status == 404:
        assert body == b"" if case[1] == "HEAD" else b'"there is no such tenant"' in body, case
    if status == 401 or (status == 403 and case[0] != "a stranger"):
        assert response["WWW-Authenticate"].startswith('Bearer realm="dicomhub"'), case


@pytest.mark.usefixtures("archive")
def test_callers_of_ours_are_served_what_they_may_have_and_nothing_else():
    walk(callers_of_ours())


@pytest.mark.usefixtures("archive")
def test_callers_of_the_provider_likewise(node_modules, settings, environment):
    clients = {"of-default": {"tenant": "default"}, "of-b": {"tenant": ["b"]}, "of-none": {}}
    with providing(clients | {"of-both": {"tenant": ["default", "b"]}}) as provider:
        settings.ENVIRONMENT = with_auth(environment, provider.issuer)
        walk(callers_of(provider))


@contextmanager
def noted_opens(monkeypatch):
    """Every file that is opened by this process, by Python's own ways to open one."""
    paths = []
    with monkeypatch.context() as patch:
        for module in (io, os):
            really = module.open
            patch.setattr(
                module,
                "open",
                lambda path, *how, _really=really, **more: (
                    paths.append(str(path)),
                    _really(path, *how, **more),
                )[1],
            )
        patch.setattr("builtins.open", io.open)
        yield paths


def trace(caller, method, path, monkeypatch):
    with CaptureQueriesContext(connection) as queries, noted_opens(monkeypatch) as opened:
        response, body = caller.ask(method, path)
    sql = [re.sub(r"'\d{4}-\d\d-\d\d[ T][^']*'", "NOW", query["sql"]) for query in queries]
    return (response.status_code, dict(response.headers), body), sql, opened


@pytest.mark.usefixtures("archive")
def test_a_tenant_of_others_is_as_one_that_does_not_exist(monkeypatch):
    """Same answer, same queries to the letter, no file: there is nothing in it that could take longer."""
    of_a = Caller(token("default"))
    stranger = Caller(user=member("ann", "default"))
    for caller in (of_a, stranger, Caller()):
        caller.ask("GET", routes()[0].path("nowhere"))  # so that the use of the token has been noted
        for route in routes():
            for method in USUAL_METHODS:
                there = trace(caller, method, route.path("b"), monkeypatch)
                nowhere = trace(caller, method, route.path("nowhere"), monkeypatch)
                is_same = there == nowhere  # not for pytest to compare: it would take minutes to say how
                assert is_same, (method, route.pattern)
                assert not [path for path in there[2] if "store" in path], (method, route.pattern)


@pytest.mark.usefixtures("archive")
def test_a_study_of_others_is_as_one_that_does_not_exist(monkeypatch):
    of_a = Caller(token("default"))
    of_a.ask("GET", "/dicom-web/studies")
    for route in routes():
        if "study" not in route.pattern and route.pattern != "wado":
            continue
        for method in USUAL_METHODS:
            there = trace(of_a, method, route.path("default", study=ONLY_IN_B), monkeypatch)
            nowhere = trace(of_a, method, route.path("default", study=NOWHERE), monkeypatch)
            is_same = without(ONLY_IN_B, there) == without(NOWHERE, nowhere)
            assert is_same, (method, route.pattern)


def without(uid, traced):
    return repr(traced).replace(uid, "UID")


@pytest.mark.usefixtures("archive")
def test_without_a_name_the_service_is_that_of_the_callers_only_tenant():
    of_b, root = Caller(token("b")), Caller(user=User.objects.create_superuser("root"))
    assert MARKS["b"] in of_b.ask("GET", "/dicom-web/studies")[1]
    assert MARKS["default"] in root.ask("GET", "/dicom-web/studies")[1]
    assert (
        Caller(user=User.objects.create_user("stranger")).ask("GET", "/dicom-web/studies")[0].status_code
        == 404
    )


@pytest.mark.usefixtures("archive")
def test_a_session_changes_nothing_without_the_csrf_token():
    root = User.objects.create_superuser("root")
    client = Client(enforce_csrf_checks=True)
    client.force_login(root)
    assert client.get("/dicom-web/studies").status_code == 200
    for method in ("POST", "DELETE", "PUT"):
        for tenant in ("default", "nowhere"):
            response = client.generic(method, f"/tenants/{tenant}/dicom-web/series")
            assert response.status_code == 403
            assert "CSRF" in response.json()["error"]
    root.set_password("secret")
    root.save()
    form = {"username": "root", "password": "secret"}
    signed_in = Client().post("/admin/login/", form).cookies["sessionid"]
    assert (signed_in["samesite"], signed_in["httponly"]) == ("Lax", True)


@pytest.mark.usefixtures("archive")
def test_a_wrong_token_is_refused_whoever_has_signed_in():
    root = Caller(bearer("wrong"), user=User.objects.create_superuser("root"))
    assert root.ask("GET", "/dicom-web/studies")[0].status_code == 401


@pytest.mark.usefixtures("archive")
def test_who_is_not_asked_who_he_is_may_do_everything(settings, environment):
    settings.ENVIRONMENT = environment
    response, body = Caller(bearer("whatever")).ask("GET", "/tenants/b/dicom-web/studies")
    assert (response.status_code, MARKS["b"] in body) == (200, True)


@pytest.mark.usefixtures("archive")
def test_the_access_log_has_who_it_was_and_whose_data(settings):
    callers = (Caller(token("b")), Caller(user=member("ann", "default")), Caller(), Caller(bearer("wrong")))
    for caller in callers:
        caller.ask("GET", "/dicom-web/studies")
    files = journal_directory(settings.ENVIRONMENT.warehouse.spool).rglob("*")
    lines = [line for path in files if path.is_file() for line in path.read_bytes().splitlines()]
    rows = [json.loads(line) for line in lines]
    assert [(row["user_name"], row["tenant"], row["status"]) for row in rows] == [
        ("token:b-0", "b", 200),
        ("ann", "default", 200),
        ("", "default", 401),
        ("", "default", 401),
    ]
