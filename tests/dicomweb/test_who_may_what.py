"""Every route, every method, every kind of caller; and that nobody learns anything of another tenant."""

import io
import json
import os
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product

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
from tests.dicomweb.walking import METHODS, STUDY, Route, routes
from tests.support.authenticated import with_auth
from tests.support.oidc import providing
from tests.support.samples import sample

ONLY_IN_B, NOWHERE = "1.2.840.1.2", "1.2.840.1.3"
MARKS = {"default": b"PATIENT-OF-THE-DEFAULT-TENANT", "b": b"PATIENT-OF-TENANT-B"}
CSRF = "k" * 32
_VARYING = re.compile(r"'\d{4}-\d\d-\d\d[ T][^']*'|_django_curs_\w+")  # times, names of cursors
USUAL_METHODS = ("GET", "POST", "DELETE")
# Each scope is asked for somewhere here; that all other routes ask as these do has a test of its own.
EXAMPLES = (Route("studies"), Route("studies/<str:study>"), Route("studies/<str:study>/metadata"))


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
        yield f"a token of {tenant}", Caller(token(tenant), scopes={tenant: every})
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
    """What each caller is answered where a scope is asked for, and where none is."""
    for who, caller in callers:
        for route, method, tenant in product(EXAMPLES, METHODS, MARKS):
            scope = scope_of(route, method)
            check(
                (who, method, route.pattern, tenant),
                caller,
                tenant_refusal=None if tenant in caller.scopes else caller.refusal,
                has_scope=scope is None or scope in caller.scopes.get(tenant, ()),
            )


def scope_of(route, method):
    return route.scopes.get("GET" if method == "HEAD" else method)


def check(case, caller, *, tenant_refusal, has_scope):
    """One answer; tenant_refusal is the status for who does not belong to the tenant, None for who does."""
    _, method, pattern, tenant = case
    route = Route(pattern)
    # What deletes is asked for what is not there: the archive is for all callers.
    response, body = caller.ask(method, route.path(tenant, study=NOWHERE if method == "DELETE" else STUDY))
    status = response.status_code
    assert not any(other in body for name, other in MARKS.items() if name != tenant), case
    if is_405_for_all(route, method):
        assert status == 405, (case, status)
    elif tenant_refusal is not None:
        assert status == tenant_refusal, (case, status)
        assert MARKS[tenant] not in body, case
        if status == 404:
            assert body == b"" if method == "HEAD" else b'"there is no such tenant"' in body, case
    elif method != "OPTIONS" and scope_of(route, method) is None:
        assert status == 405, (case, status)
    elif not has_scope:
        assert status == 403, (case, status)
        assert MARKS[tenant] not in body, case
    else:
        assert status not in {401, 403}, (case, status)
        assert status != 405 or scope_of(route, method) is None, (case, status)
        assert status < 500, (case, status)
        assert b"no such tenant" not in body, case
        assert status != 200 or (method, pattern) != ("GET", "studies") or MARKS[tenant] in body, case
    if status == 401 or (status == 403 and caller.user is None):
        assert response["WWW-Authenticate"].startswith('Bearer realm="dicomhub"'), case


def is_405_for_all(route, method):
    """A path that several views share says by itself which methods it has, whoever asks: it is no secret."""
    return len(route.scopes) > 1 and method != "OPTIONS" and scope_of(route, method) is None


@pytest.mark.usefixtures("archive")
def test_every_route_asks_for_its_scope_and_for_no_other():
    """Each method of each by who has nothing but that scope, all but that one, another tenant, no name."""
    nobody, of_b = Caller(), Caller(token("b"))
    only = {scope.value: Caller(token("default", {scope})) for scope in Scope}
    but = {scope.value: Caller(token("default", ALL_SCOPES - {scope})) for scope in Scope}
    for route, method in product(routes(), METHODS):
        scope = scope_of(route, method)
        case = (method, route.pattern, "default")
        check(("nobody", *case), nobody, tenant_refusal=401, has_scope=False)
        check(("of b", *case), of_b, tenant_refusal=404, has_scope=False)
        check(("only it", *case), only[scope or "read"], tenant_refusal=None, has_scope=True)
        if scope is not None:
            check(("all others", *case), but[scope], tenant_refusal=None, has_scope=False)


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
    sql = [_VARYING.sub("", query["sql"]) for query in queries]
    return (response.status_code, dict(response.headers), body), sql, opened


@pytest.mark.usefixtures("archive")
def test_a_tenant_of_others_is_as_one_that_does_not_exist(monkeypatch):
    """Same answer, same queries to the letter, no file: there is nothing in it that could take longer."""
    of_a = Caller(token("default"))
    stranger = Caller(user=member("ann", "default"))
    of_a.ask("GET", routes()[0].path("nowhere"))  # so that the use of the token has been noted
    mine = trace(of_a, "GET", EXAMPLES[1].path("default"), monkeypatch)
    assert [path for path in mine[2] if "store" in path]
    for caller, asked in ((of_a, routes()), (stranger, EXAMPLES), (Caller(), EXAMPLES)):
        for route, method in product(asked, METHODS):
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
