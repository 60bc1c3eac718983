"""Batches in the admin: what became of them, and sending them on their way again."""

import json
from contextlib import closing
from pathlib import Path

import pytest
import redis
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from dicomhub.archive.models import Batch
from dicomhub.archive.services import batch_failed, batch_reached
from dicomhub.environment import read_environment
from dicomhub.storage.filesystem import FilesystemStore
from tasks.route import STAGES
from tests.archive.building import archived, header, index
from tests.support.redis_process import reserve_port, running_redis

LIST = "/admin/archive/batch/"
RETRY = {"action": "retry_selected", "_selected_action": ["b1"]}


def page(name: str) -> str:
    return reverse(f"admin:archive_batch_{name}", args=("b1",))


def retry_messages(browser: Client) -> list[str]:
    answer = browser.post(LIST, RETRY, follow=True)
    return [str(message) for message in answer.context["messages"]]


@pytest.fixture
def failed(db: None, store: FilesystemStore) -> Batch:
    index(store, "b1", archived(store, "1.1"), header=header(PatientID="P1", SeriesDescription="Thorax"))
    batch_failed("b1", "metadata", "OSError: no space left\nTraceback ...")
    return Batch.objects.get()


def test_a_failed_batch_shows_its_error_and_its_series(browser: Client, failed: Batch):
    assert "no space left" in browser.get(LIST).content.decode()
    content = browser.get(page("change")).content.decode()
    assert "Traceback ..." in content
    assert "Thorax" in content


def test_retry_publishes_what_the_batch_has_before_it(
    browser: Client, failed: Batch, settings: Settings, tmp_path: Path
):
    with running_redis(tmp_path) as server, redis.Redis.from_url(server.url) as broker:
        settings.ENVIRONMENT = read_environment(
            {"DICOMHUB_HOME": str(settings.ENVIRONMENT.home), "REDIS_URL": server.url}
        )
        assert retry_messages(browser) == ["Batches on their way again: 1."]
        (message,) = broker.lrange("dicomhub:metadata", 0, -1)
    assert json.loads(message)["headers"]["task"] == "tasks.pipeline.metadata"
    failed.refresh_from_db()
    assert (failed.state, failed.attempts) == ("running", 2)


def test_retry_with_the_broker_down_says_so_and_changes_nothing(
    browser: Client, failed: Batch, settings: Settings
):
    with closing(reserve_port()) as reservation:
        url = f"redis://127.0.0.1:{reservation.port}"
        settings.ENVIRONMENT = read_environment(
            {"DICOMHUB_HOME": str(settings.ENVIRONMENT.home), "REDIS_URL": url}
        )
        (said,) = retry_messages(browser)
    assert said.startswith("b1 cannot be retried now: the broker is not reachable")
    failed.refresh_from_db()
    assert (failed.state, failed.attempts) == ("failed", 1)


def test_retry_on_the_batchs_own_page_asks_first(browser: Client, failed: Batch):
    question = browser.get(page("retry"))
    assert "Retry this batch?" in question.content.decode()
    answer = browser.post(page("retry"), {"_form_submitted": "on"})
    assert answer.headers["HX-Redirect"] == page("change")


def test_there_is_nothing_to_retry_of_a_batch_that_is_done(browser: Client, failed: Batch):
    batch_reached("b1", STAGES[-1].name)
    assert retry_messages(browser) == ["b1 is done: there is nothing to retry."]


def test_who_may_only_look_is_offered_no_retry(client: Client, failed: Batch):
    guest = User.objects.create_user("guest", is_staff=True)
    guest.user_permissions.add(Permission.objects.get(codename="view_batch"))
    client.force_login(guest)
    assert "retry_selected" not in client.get(LIST).content.decode()
    assert client.post(page("retry"), {"_form_submitted": "on"}).status_code == 403


def test_batches_are_found_by_state(browser: Client, failed: Batch):
    assert browser.get(LIST, {"state__exact": "failed"}).context["cl"].queryset.count() == 1
    assert browser.get(LIST, {"state__exact": "done"}).context["cl"].queryset.count() == 0
