"""The page of live associations."""

from datetime import UTC, datetime

from django.contrib.auth.models import User
from django.test import Client

from dicomhub.environment import Environment
from dicomhub.intake.receiver_status import ChildStatus, ReceiverStatus, ReceiverStatusFile

PAGE = "/admin/receiving/associations/"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def publish(environment: Environment, *children: ChildStatus) -> None:
    status = ReceiverStatus(
        pid=4711,
        ae_title="DICOMHUB",
        host="127.0.0.1",
        port=11112,
        tls_port=2762,
        max_children=100,
        children=children,
    )
    ReceiverStatusFile(environment.home).write(status)


def sending(**changes: object) -> ChildStatus:
    values = {"state": "busy", "pid": 1, "peer": "192.0.2.1:40000", "calling_ae_title": "CT1", "since": NOW}
    return ChildStatus(**values | changes)


def text(answer) -> str:
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_shows_who_is_sending(browser: Client, environment: Environment):
    publish(
        environment,
        ChildStatus(state="idle", pid=2),
        sending(instances=1200, bytes_received=6_291_456, called_ae_title="<b>"),
    )
    page = text(browser.get(PAGE))
    for shown in ("192.0.2.1:40000", "CT1", "&lt;b&gt;", "1,200", "6.0\xa0MB", "2026-01-02 03:04:05"):
        assert shown in page
    assert "DICOMHUB on 127.0.0.1 port 11112, port 2762 with TLS" in page
    assert "Associations: 1 of at most 100. Idle children: 1." in page


def test_it_refreshes_the_part_that_changes(browser: Client, environment: Environment):
    publish(environment)
    page = text(browser.get(PAGE))
    assert f'hx-get="{PAGE}"' in page
    assert "Nobody is sending." in page
    publish(environment, sending())
    answer = browser.get(PAGE, headers={"HX-Request": "true"})
    part = text(answer)
    assert part.count("<section") == 1
    assert "<html" not in part
    assert "192.0.2.1:40000" in part
    assert "no-store" in answer["Cache-Control"]


def test_it_says_when_no_scp_runs(browser: Client, environment: Environment):
    assert f"No SCP runs in {environment.home}." in text(browser.get(PAGE))


def test_it_is_for_staff_only(db: None, client: Client):
    assert client.get(PAGE).status_code == 302
    client.force_login(User.objects.create_user("guest"))
    assert client.get(PAGE).status_code == 302
    client.force_login(User.objects.create_user("operator", is_staff=True))
    assert text(client.get(PAGE))
    assert 'href="/admin/receiving/associations/"' in text(client.get("/admin/"))


def test_it_only_reads(browser: Client):
    assert browser.post(PAGE).status_code == 405
