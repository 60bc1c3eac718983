"""API tokens: made by a command or in admin, good for a while, never written down."""

from datetime import timedelta
from hashlib import sha256

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dicomhub.accounts.models import ApiToken
from dicomhub.accounts.scope import ALL_SCOPES, Scope
from dicomhub.accounts.tokens import make_token, revoke
from dicomhub.tenants.models import Tenant
from tests.support.authenticated import with_auth

STUDIES = "/dicom-web/studies"
ADD = "/admin/accounts/apitoken/add/"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _authentication_is_on(settings, environment):
    settings.ENVIRONMENT = with_auth(environment)
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)


@pytest.fixture
def ask(client):
    def request(text, path=STUDIES):
        return client.get(path, headers={"Authorization": f"Bearer {text}"})

    return request


def make(name="sync", scopes=ALL_SCOPES, **how):
    return make_token(name, tenants=Tenant.objects.filter(name="default"), scopes=scopes, **how)


def printed(capsys, *arguments):
    call_command("api_token", *arguments)
    return capsys.readouterr().out


def test_a_token_made_by_the_command_opens_its_tenant(ask, capsys):
    text = printed(capsys, "make", "sync", "--tenant", "default", "--scope", "search", "--days", "1").strip()
    assert ask(text).status_code == 200
    assert ask(text, "/dicom-web/studies/1.2").status_code == 403
    assert "sync" in printed(capsys, "list")
    printed(capsys, "revoke", "sync")
    answer = ask(text)
    assert (answer.status_code, answer.json()["error"]) == (401, "the API token is revoked")


@pytest.mark.parametrize(
    "arguments",
    [
        ("make", "sync", "--tenant", "nowhere", "--scope", "read"),
        ("make", "sync", "--tenant", "default", "--scope", "everything"),
        ("make", "taken", "--tenant", "default", "--scope", "read"),
        ("make", "", "--tenant", "default", "--scope", "read"),
        ("make", "sync", "--tenant", "default", "--scope", "read", "--days", "-1"),
        ("revoke", "nothing"),
        (),
    ],
)
def test_what_the_command_cannot_do_it_says(arguments):
    make("taken")
    with pytest.raises(CommandError):
        call_command("api_token", *arguments)
    assert ApiToken.objects.count() == 1


def test_the_database_has_the_digest_and_not_the_token():
    text = make()
    row = ApiToken.objects.values().get()
    assert row["digest"] == sha256(text.encode()).hexdigest()
    secret = text.rsplit(row["prefix"] + "_", 1)[1]
    assert len(secret) >= 43
    assert not any(secret in str(value) for value in row.values())


def test_a_token_that_is_changed_anywhere_is_not_known(ask):
    text = make()
    for false in (
        text[:-1],
        text + "x",
        text.swapcase(),
        text.replace("_", "-"),
        "dicomhub_",
        "dicomhub_x_y",
    ):
        answer = ask(false)
        assert answer.status_code == 401, false
        assert 'error="invalid_token"' in answer["WWW-Authenticate"]


def test_a_token_expires(ask):
    text = make(expires_at=timezone.now() + timedelta(days=1))
    assert ask(text).status_code == 200
    ApiToken.objects.update(expires_at=timezone.now())
    assert ask(text).json()["error"] == "the API token is expired"


def test_its_use_is_noted_once_a_minute(ask):
    text = make()
    assert ask(text).status_code == 200
    noted = ApiToken.objects.get().last_used_at
    assert noted is not None
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert ask(text).status_code == 200
    assert not any(query["sql"].startswith("UPDATE") for query in queries)
    ApiToken.objects.update(last_used_at=noted - timedelta(minutes=2))
    ask(text)
    assert ApiToken.objects.get().last_used_at >= noted


def test_revoking_twice_keeps_the_first_time():
    make()
    revoke(ApiToken.objects.get())
    first = ApiToken.objects.get().revoked_at
    assert first is not None
    revoke(ApiToken.objects.get())
    assert ApiToken.objects.get().revoked_at == first


@pytest.fixture
def browser(client):
    client.force_login(User.objects.create_superuser("admin"))
    return client


def chosen(**more):
    return {"name": "viewer", "tenants": ["default"], "may_read": "on", "may_search": "on", **more}


def test_admin_shows_a_new_token_once_and_keeps_it_out_of_caches(browser, ask):
    page = browser.post(ADD, chosen())
    text = page.context["text"]
    assert page.status_code == 200
    assert f'value="{text}"' in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    token = ApiToken.objects.get()
    assert (token.created_by.username, token.scopes) == ("admin", {Scope.READ, Scope.SEARCH})
    browser.logout()
    assert ask(text).status_code == 200
    browser.force_login(User.objects.get())
    for address in ("/admin/accounts/apitoken/", f"/admin/accounts/apitoken/{token.pk}/change/"):
        shown = browser.get(address).content.decode()
        assert token.prefix in shown
        assert text not in shown
        assert token.digest not in shown


def test_admin_revokes_by_a_button_and_from_the_list(browser, ask):
    texts = [browser.post(ADD, chosen(name=name)).context["text"] for name in ("one", "two")]
    one, two = ApiToken.objects.order_by("name")
    browser.post(
        f"/admin/accounts/apitoken/{one.pk}/change/",
        chosen(name="one", accounts_apitoken_revoke_this="Revoke"),
    )
    browser.post("/admin/accounts/apitoken/", {"action": "revoke_chosen", "_selected_action": [two.pk]})
    assert {token.state for token in ApiToken.objects.all()} == {"revoked"}
    browser.post(f"/admin/accounts/apitoken/{one.pk}/change/", chosen(name="anew"))
    assert not ApiToken.objects.filter(name="anew").exists()
    assert browser.post(f"/admin/accounts/apitoken/{two.pk}/delete/", {"post": "yes"}).status_code == 403
    browser.logout()
    assert [ask(text).status_code for text in texts] == [401, 401]


def test_who_may_not_add_tokens_gets_none(client):
    client.force_login(User.objects.create_user("staff", is_staff=True))
    assert client.post(ADD, chosen()).status_code == 403
    assert not ApiToken.objects.exists()
