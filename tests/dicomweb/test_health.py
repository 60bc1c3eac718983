import subprocess
from dataclasses import replace

import pytest

from dicomhub.embedded.redis_server import find_program
from dicomhub.monitoring import health
from tests.dicomweb.reading import json_of


@pytest.fixture(autouse=True)
def _as_much_time_as_a_busy_machine_takes(monkeypatch):
    monkeypatch.setattr(health, "_DEADLINE_SECONDS", 60.0)
    monkeypatch.setattr(health, "_BROKER_TIMEOUT_SECONDS", 60.0)


@pytest.fixture
def redis_url(tmp_path):
    """A Redis of this test's own, on a socket in its folder."""
    socket = tmp_path / "redis.sock"
    process = subprocess.Popen(
        [find_program(), "--port", "0", "--unixsocket", socket, "--save", "", "--dir", tmp_path],
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert any("ready to accept connections" in line.lower() for line in process.stdout)
        yield f"unix://{socket}"
        process.terminate()


def test_the_process_answers(client):
    assert json_of(client.get("/healthz")) == {"state": "ok"}


def test_a_part_that_is_missing_is_named(filling, client):
    response = client.get("/readyz")
    assert response.status_code == 503
    body = json_of(response)
    assert body["state"] == "not ready"
    assert body["parts"]["database"] == "ok"
    assert body["parts"]["store"] == "ok"
    assert "REDIS_URL" in body["parts"]["broker"]


def test_a_broker_that_does_not_answer_and_a_store_that_is_gone(filling, client, settings, tmp_path):
    settings.ENVIRONMENT = replace(
        settings.ENVIRONMENT, redis_url="redis://127.0.0.1:1/0", store_root=tmp_path / "gone"
    )
    parts = json_of(client.get("/readyz"))["parts"]
    assert parts == {"database": "ok", "store": "FileNotFoundError", "broker": "ConnectionError"}


def test_all_parts_answer(filling, client, settings, redis_url):
    settings.ENVIRONMENT = replace(settings.ENVIRONMENT, redis_url=redis_url)
    response = client.get("/readyz")
    assert json_of(response) == {
        "state": "ok",
        "parts": {"database": "ok", "store": "ok", "broker": "ok"},
    }
    assert response.status_code == 200


def test_health_is_only_read(client):
    assert client.post("/readyz").status_code == 405
