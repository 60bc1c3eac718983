"""Each DICOMweb request leaves a row: what was asked for, by whom, and what really went out."""

import os
import signal
import socket
import struct
import threading
from pathlib import Path

import orjson
import pytest
import requests

from dicomhub.dicomweb.http.access_resource import AccessResource, access_resource
from dicomhub.environment import read_environment
from tasks.warehouse.access_journal import OPEN, AccessJournal, collect, journal_directory
from tasks.warehouse.open import open_warehouse
from tasks.warehouse.spool import Spool, open_spool
from tasks.warehouse.tables import ACCESS_LOG
from tests.dicomweb.noted import row_after, rows
from tests.dicomweb.served import serving
from tests.support.ct_series import write_ct_series
from tests.support.small_disk import small_disk
from tests.support.spooling import counts, load_everything, open_test_spool
from tests.support.waiting import wait_until

UIDS = ("1.2", "1.2.3", "1.2.3.4")
TO_INSTANCE = "studies/1.2/series/1.2.3/instances/1.2.3.4"


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/dicom-web/studies", AccessResource("default", "search")),
        ("GET", "/dicom-web/studies/1.2", AccessResource("default", "study", "1.2")),
        ("GET", "/dicom-web/studies/1.2/", AccessResource("default", "study", "1.2")),
        ("GET", "/dicom-web/studies/1.2/series", AccessResource("default", "search", "1.2")),
        ("GET", "/dicom-web/studies/1.2/instances", AccessResource("default", "search", "1.2")),
        ("GET", f"/tenants/a/dicom-web/{TO_INSTANCE}", AccessResource("a", "instance", *UIDS)),
        ("GET", f"/dicom-web/{TO_INSTANCE}/metadata", AccessResource("default", "metadata", *UIDS)),
        ("GET", f"/dicom-web/{TO_INSTANCE}/frames/1,2", AccessResource("default", "frames", *UIDS)),
        ("GET", f"/dicom-web/{TO_INSTANCE}/frames/1/rendered", AccessResource("default", "rendered", *UIDS)),
        ("GET", f"/dicom-web/{TO_INSTANCE}/bulkdata/1/2", AccessResource("default", "bulkdata", *UIDS)),
        ("POST", "/dicom-web/studies", AccessResource("default", "store")),
        ("POST", "/dicom-web/studies/1.2", AccessResource("default", "store", "1.2")),
        ("GET", "/tenants/..%2F/dicom-web/studies/x/series", AccessResource("", "search")),
        ("GET", "/dicom-web/", AccessResource("default", "other")),
        ("GET", "/dicom-web/secrets\n", AccessResource("default", "other")),
        ("GET", "/tenants/a/wado", AccessResource("a", "wado-uri", "1.2", "", "1.4")),
        ("GET", "/tenants/a/wado/", None),
        ("GET", "/healthz", None),
        ("GET", "/admin/dicom-web/studies", None),
    ],
)
def test_what_a_path_asks_for(method, path, expected):
    assert (
        access_resource(method, path, "requestType=WADO&studyUID=1.2&seriesUID=x&objectUID=1.4") == expected
    )


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("access")
    paths = write_ct_series(folder / "ct", instances=20, patient_id="P", rows=512)
    with serving(folder / "home", *paths) as server:
        yield server


def get(server, path, request_id, **how):
    return requests.get(f"{server.dicomweb}{path}", headers={"X-Request-ID": request_id, **how}, timeout=30)


def a_study(server):
    [study] = get(server, "/studies", "uid").json()
    return study["0020000D"]["Value"][0]


def test_a_retrieve_is_noted_with_the_bytes_that_went_out(served):
    study = a_study(served)
    answer = get(served, f"/studies/{study}", "whole")
    row = row_after(served, "whole")
    assert (row["resource"], row["study_instance_uid"], row["status"]) == ("study", study, 200)
    assert row["bytes_sent"] == len(answer.content)
    assert row["milliseconds"] > 0
    assert (row["method"], row["tenant"], row["address"]) == ("GET", "default", "127.0.0.1")
    assert "python-requests" in row["user_agent"]


def test_searches_and_refusals_are_noted_and_health_checks_are_not(served):
    get(served, "/studies?PatientName=Doe*&limit=1", "search")
    row = row_after(served, "search")
    assert (row["resource"], row["query"], row["status"]) == ("search", "PatientName=Doe*&limit=1", 200)
    get(served, "/studies/1.2.3", "missing")
    assert row_after(served, "missing")["status"] == 404
    get(served, "/studies?limit=nonsense", "refused")
    assert row_after(served, "refused")["status"] == 400
    requests.get(f"{served.url}/healthz", headers={"X-Request-ID": "health"}, timeout=30)
    get(served, "/studies", "after-health")
    row_after(served, "after-health")
    assert not [row for row in rows(served) if row["request_id"] == "health"]


def test_a_client_that_goes_away_is_noted_with_what_it_got(served):
    study = a_study(served)
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        client.sendall(
            f"GET /dicom-web/studies/{study} HTTP/1.1\r\nHost: {host}\r\nX-Request-ID: gone\r\n\r\n".encode()
        )
        client.recv(4096)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    row = row_after(served, "gone")
    assert row["status"] == 499
    assert row["bytes_sent"] < 20 * 512 * 512 * 2


def test_the_kill_of_a_worker_loses_no_row_and_each_gets_to_the_warehouse_once(served):
    """While the loader collects, again and again."""
    environment = read_environment({"DICOMHUB_HOME": str(served.home), "STORE_RESERVE_BYTES": "0"})
    spool, warehouse = open_spool(environment), open_warehouse(environment.warehouse)
    warehouse.initialise()
    before = len(rows(served))
    answered = []
    for number in range(60):
        if number in (20, 40):
            worker = served.worker_pid()
            os.kill(worker, signal.SIGKILL)
            wait_until(lambda old=worker: is_replaced(served, old), what="another worker serves")
        assert get(served, "/studies?limit=1", f"kept-{number}").status_code == 200
        answered.append(number)
        if number in (19, 39):  # the answer is out before its row is: the kill is to come after both
            wait_until(lambda: len(all_ids(served, spool)) == before + len(answered), what="all are noted")
        if number % 7 == 0:
            collect(spool)
    wait_until(lambda: len(all_ids(served, spool)) == before + len(answered), what="all are noted")
    load_everything(spool, warehouse, environment.warehouse)
    assert counts(warehouse) == {ACCESS_LOG.name: before + len(answered)}
    assert rows(served) == []


def is_replaced(server, old):
    try:
        return server.worker_pid() != old
    except ValueError:  # none, or two, just now
        return False


def all_ids(server, spool):
    waiting = [file.path.read_bytes() for file in spool.waiting(ACCESS_LOG)]
    lines = [orjson.loads(line) for text in waiting for line in text.splitlines()]
    return {row["event_id"] for row in [*lines, *rows(server)]}


def test_threads_write_while_the_loader_takes_and_every_line_is_there_once(tmp_path):
    spool = open_test_spool(tmp_path / "spool")
    journals = [AccessJournal(journal_directory(spool.root)) for _ in range(2)]

    def write(first):
        for number in range(first, first + 500):
            journals[number % 2].append(b'{"number":%d}' % number)

    writers = [threading.Thread(target=write, args=(first,)) for first in range(0, 2000, 500)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        collect(spool)
    collect(spool)
    lines = [line for file in spool.waiting(ACCESS_LOG) for line in file.path.read_bytes().splitlines()]
    assert sorted(orjson.loads(line)["number"] for line in lines) == list(range(2000))


def test_what_a_killed_loader_had_taken_is_taken_again(tmp_path):
    spool = open_test_spool(tmp_path / "spool")
    journal = AccessJournal(journal_directory(spool.root))
    journal.append(b'{"number":1}')
    [path] = Path(journal_directory(spool.root)).glob(f"*{OPEN}")
    path.rename(path.with_suffix(".taken"))
    with path.with_suffix(".taken").open("ab") as torn:
        torn.write(b'{"number":')
    journal.append(b'{"number":2}')
    collect(spool)
    lines = [line for file in spool.waiting(ACCESS_LOG) for line in file.path.read_bytes().splitlines()]
    assert sorted(lines) == [b'{"number":1}', b'{"number":2}']
    assert list(journal_directory(spool.root).iterdir()) == []


def append_until_refused(journal):
    for _ in range(1000):
        journal.append(b'{"number":2,"query":"%s"}' % (b"x" * 1000))


def test_on_a_full_disk_a_line_is_left_out_whole(tmp_path):
    with small_disk(tmp_path / "disk", size_bytes=256 * 1024) as disk:
        spool = Spool(disk.path / "spool", durability="process", reserve_bytes=0)
        journal = AccessJournal(journal_directory(spool.root))
        journal.append(b'{"number":1}')
        disk.fill()
        with pytest.raises(OSError, match=os.strerror(28)):
            append_until_refused(journal)
        disk.empty()
        journal.append(b'{"number":3}')
        collect(spool)
        [file] = spool.waiting(ACCESS_LOG)
        numbers = [orjson.loads(line)["number"] for line in file.path.read_bytes().splitlines()]
        assert (numbers[0], numbers[-1]) == (1, 3)
