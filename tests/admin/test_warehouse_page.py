"""The page of the warehouse's spool."""

from dataclasses import replace

import pytest
from django.contrib.auth.models import User
from django.test import Client

from dicomhub.environment import Environment
from tasks.warehouse.dead_letters import dead_letters
from tasks.warehouse.loader import Loader
from tasks.warehouse.open import open_warehouse
from tasks.warehouse.spool import Spool, open_spool
from tasks.warehouse.tables import IMAGE_META, RECEIVE_LOG
from tests.support.spooling import Clock, bad_row, batch, load_everything

PAGE = "/admin/pipeline/warehouse/"


@pytest.fixture
def spool(environment: Environment) -> Spool:
    return open_spool(environment)


def load(spool: Spool, environment: Environment) -> None:
    """With two rows that no warehouse takes."""
    spool.append(batch("a", range(7)))
    spool.append({RECEIVE_LOG: [bad_row(98), bad_row(99)]})
    warehouse = open_warehouse(environment.warehouse)
    warehouse.initialise()
    load_everything(spool, warehouse, environment.warehouse)


def text(answer) -> str:
    assert answer.status_code == 200
    return answer.content.decode()


def post(browser: Client, **form: str) -> str:
    return text(browser.post(PAGE, {"table": RECEIVE_LOG.name, **form}, follow=True))


def test_it_shows_what_waits_and_why(browser: Client, environment: Environment, spool: Spool):
    assert "nothing to do" in text(browser.get(PAGE))
    spool.append(batch("a", range(1234)))
    assert "1,234" in text(browser.get(PAGE))
    Loader(spool, open_warehouse(environment.warehouse), environment.warehouse, now=Clock()).run()
    page = text(browser.get(PAGE))
    assert "misconfigured" in page
    assert "manage.py warehouse init" in page
    assert "Try now" in page
    assert "dicom_image_meta is loaded with the loader&#x27;s next turn" in post(
        browser, table=IMAGE_META.name, action="try"
    )


def test_dead_letters_are_shown_with_their_reason_and_decided_on(
    browser: Client, environment: Environment, spool: Spool
):
    load(spool, environment)
    page = text(browser.get(PAGE))
    assert "rows: 2" in page
    first, second = dead_letters(spool, RECEIVE_LOG)
    assert first.name in page
    assert "received_at" in page
    assert "The rows wait for the warehouse again." in post(browser, action="retry", name=first.name)
    assert len(spool.waiting(RECEIVE_LOG)) == 1
    assert "was retried or discarded before" in post(browser, action="retry", name=first.name)
    assert "The rows are given up." in post(browser, action="discard", name=second.name)
    assert dead_letters(spool, RECEIVE_LOG) == []
    load(spool, environment)
    assert "wait for the warehouse again: 3." in post(browser, action="retry-all")
    page = text(browser.get(PAGE))
    assert "Last loads" in page
    assert '<span class="font-mono text-xs">dicom_image_meta-' in page


def test_it_refreshes_the_part_that_changes(browser: Client, spool: Spool):
    part = text(browser.get(PAGE, headers={"HX-Request": "true"}))
    assert part.count("<section") == 1
    assert "<html" not in part


def test_who_may_only_look_may_not_decide(db: None, client: Client, environment: Environment, spool: Spool):
    assert client.get(PAGE).status_code == 302
    client.force_login(User.objects.create_user("operator", is_staff=True))
    load(spool, environment)
    assert "Retry" not in text(client.get(PAGE))
    [letter, _] = dead_letters(spool, RECEIVE_LOG)
    form = {"table": RECEIVE_LOG.name, "action": "discard", "name": letter.name}
    assert client.post(PAGE, form).status_code == 403
    assert len(dead_letters(spool, RECEIVE_LOG)) == 2
    assert f'href="{PAGE}"' in text(client.get("/admin/"))


@pytest.mark.parametrize(
    "form", [{"table": "secrets", "action": "retry"}, {"action": "drop"}, {}], ids=["table", "action", "none"]
)
def test_a_form_that_is_not_its_own_is_a_bad_request(browser: Client, form: dict[str, str]):
    assert browser.post(PAGE, {"table": RECEIVE_LOG.name, **form}).status_code == 400


def test_an_address_with_a_password_is_not_shown(browser: Client, environment: Environment, settings):
    secret = replace(environment.warehouse, url="doris://user:secret@frontend:8030/db")
    settings.ENVIRONMENT = replace(environment, warehouse=secret)
    page = text(browser.get(PAGE))
    assert "doris, spool in" in page
    assert "secret" not in page
