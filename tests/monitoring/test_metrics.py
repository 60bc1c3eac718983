"""/metrics: who may read it, and that it says what is so."""

import os
import signal
import time
from dataclasses import replace

import pytest
import requests
from django.contrib.auth.models import User

from dicomhub.archive.models import Batch
from tasks.warehouse.loader import Loader
from tasks.warehouse.open import open_warehouse
from tasks.warehouse.spool import open_spool
from tasks.warehouse.tables import RECEIVE_LOG
from tests.dicomweb.served import serving
from tests.support.metrics import of, parse
from tests.support.redis_process import running_redis
from tests.support.samples import sample
from tests.support.scp_process import children_of
from tests.support.spooling import Clock, bad_row, batch, load_everything
from tests.support.waiting import wait_until

TOKEN = "a-token"


@pytest.fixture
def configure(settings, tmp_path):
    """Settings of this test's own; the home is an empty folder."""
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # its absence is worth a warning to whitenoise

    def configure(**how):
        before = settings.ENVIRONMENT
        web = replace(before.web, metrics_token=TOKEN)
        settings.ENVIRONMENT = replace(before, home=tmp_path, web=web, **how)
        return settings.ENVIRONMENT

    configure()
    return configure


@pytest.fixture
def scrape(client, db, configure):
    def scrape():
        response = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        assert response.status_code == 200
        return parse(response.content.decode())

    return scrape


@pytest.mark.django_db
def test_it_is_for_the_token_and_for_staff(client, configure):
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer other"}).status_code == 401
    assert client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    client.force_login(User.objects.create_user("somebody"))
    assert client.get("/metrics").status_code == 401
    client.force_login(User.objects.create_user("staff", is_staff=True))
    assert client.get("/metrics").status_code == 200


@pytest.mark.django_db
def test_without_a_token_set_no_token_opens_it(client, settings):
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    assert settings.ENVIRONMENT.web.metrics_token is None
    for header in ("Bearer ", "Bearer None", ""):
        assert client.get("/metrics", headers={"Authorization": header}).status_code == 401


def test_requests_are_counted_by_route_and_never_by_address(client, scrape):
    labels = {"route": "dicom-web/studies", "method": "GET", "status": "200"}
    client.get("/dicom-web/studies?PatientID=SECRET")
    before = scrape()
    for _ in range(3):
        client.get("/dicom-web/studies?PatientID=SECRET")
    client.get("/no/such/SECRET")
    after = scrape()
    requests_total = "dicomhub_web_requests_total"
    assert of(after, requests_total, **labels) - of(before, requests_total, **labels) == 3
    seconds = "dicomhub_web_request_seconds_count"
    assert of(after, seconds, route="dicom-web/studies") - of(before, seconds, route="dicom-web/studies") == 3
    assert of(after, "dicomhub_web_database_seconds_count", route="dicom-web/studies") >= 3
    assert of(after, requests_total, route="(none)", method="GET", status="404") >= 1
    assert not any("SECRET" in str(key) for key in after)


def test_the_scps_metrics_are_there_as_long_as_it_writes_them(scrape, configure):
    assert of(scrape(), "dicomhub_scp_up") == 0
    path = configure().scp_metrics_file
    path.parent.mkdir()
    path.write_text("# TYPE dicomhub_scp_forks_total counter\ndicomhub_scp_forks_total 3\n")
    metrics = scrape()
    assert of(metrics, "dicomhub_scp_up") == 1
    assert of(metrics, "dicomhub_scp_forks_total") == 3
    then = time.time() - 60
    os.utime(path, (then, then))
    metrics = scrape()
    assert of(metrics, "dicomhub_scp_up") == 0
    assert ("dicomhub_scp_forks_total", ()) not in metrics


def test_batches_that_are_not_done_and_messages_that_wait_are_counted(
    scrape, configure, tmp_path, monkeypatch
):
    from redis import Redis

    monkeypatch.setattr("dicomhub.monitoring.gathering._BROKER_TIMEOUT_SECONDS", 60.0)  # a busy machine's

    for number, state in enumerate(("running", "running", "failed", "done")):
        Batch.objects.create(batch_id=str(number), state=state)
    metrics = scrape()
    assert of(metrics, "dicomhub_batches", state="running") == 2
    assert of(metrics, "dicomhub_batches", state="failed") == 1
    assert of(metrics, "dicomhub_database_up") == 1
    assert of(metrics, "dicomhub_broker_up") == 0
    with running_redis(tmp_path / "redis") as redis:
        configure(redis_url=redis.url)
        with Redis.from_url(redis.url) as client:
            client.rpush("dicomhub:index", "one", "two")
        metrics = scrape()
    assert of(metrics, "dicomhub_broker_up") == 1
    assert of(metrics, "dicomhub_queue_messages", queue="index") == 2
    assert of(metrics, "dicomhub_queue_messages", queue="metadata") == 0


def test_what_waits_for_the_warehouse_and_what_it_refuses_is_counted(scrape, configure, settings):
    before = settings.ENVIRONMENT
    warehouse = replace(
        before.warehouse, spool=before.home / "spool", url=f"parquet://{before.home}/warehouse"
    )
    environment = configure(warehouse=warehouse)
    name = {"table": RECEIVE_LOG.name}
    assert of(scrape(), "dicomhub_spool_rows", **name) == 0
    spool = open_spool(environment)
    spool.append({RECEIVE_LOG: [*batch("a", range(5))[RECEIVE_LOG], bad_row(9)]})
    metrics = scrape()
    assert of(metrics, "dicomhub_spool_rows", **name) == 6
    assert of(metrics, "dicomhub_spool_bytes", **name) > 1000
    assert of(metrics, "dicomhub_spool_oldest_seconds", **name) < 600
    Loader(spool, open_warehouse(warehouse), warehouse, now=Clock()).run()
    metrics = scrape()
    assert of(metrics, "dicomhub_spool_is_misconfigured", **name) == 1
    assert of(metrics, "dicomhub_spool_failures", **name) == 1
    open_warehouse(warehouse).initialise()
    load_everything(spool, open_warehouse(warehouse), warehouse)
    metrics = scrape()
    assert of(metrics, "dicomhub_spool_rows", **name) == 0
    assert of(metrics, "dicomhub_spool_dead_rows", **name) == 1
    assert of(metrics, "dicomhub_spool_loaded_rows_total", **name) == 5
    assert of(metrics, "dicomhub_spool_is_misconfigured", **name) == 0


def test_gunicorns_workers_are_added_up_the_dead_ones_too(tmp_path):
    with serving(tmp_path / "home", sample("CT_small.dcm"), METRICS_TOKEN=TOKEN, WEB_PROCESSES="2") as server:

        def answered():
            response = requests.get(
                f"{server.url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=300
            )
            key = {"route": "healthz", "method": "GET", "status": "200"}
            return of(parse(response.text), "dicomhub_web_requests_total", **key)

        def workers():
            return set(children_of(server.pid))

        before = answered()
        for _ in range(20):
            requests.get(f"{server.url}/healthz", timeout=300)
        assert answered() == before + 20
        killed = min(workers())
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: len(workers() - {killed}) == 2, what="there is a successor")
        for _ in range(20):
            requests.get(f"{server.url}/healthz", timeout=300)
        assert answered() == before + 40
