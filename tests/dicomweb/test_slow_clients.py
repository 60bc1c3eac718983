"""Clients that stop reading, never end their request, or ask for too much at once: the others are served."""

import socket
import time
from contextlib import ExitStack, contextmanager

import pytest
import requests

from dicomhub.dicomweb.http.address import client_address
from dicomhub.dicomweb.http.limits import TooManyRetrieves, take_place
from tests.dicomweb.served import serving
from tests.support.ct_series import write_ct_series
from tests.support.waiting import wait_until

THREADS = 4  # of serving()'s worker
PLACES = 3


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A study of 32 MB: more than what the kernel takes for a client that does not read."""
    folder = tmp_path_factory.mktemp("slow")
    paths = write_ct_series(folder / "ct", instances=60, patient_id="P", rows=512)
    settings = {"WEB_STALL_SECONDS": "1", "WEB_MIN_BYTES_PER_SECOND": "1000"}
    with serving(folder / "home", *paths, WEB_RETRIEVES_PER_CLIENT=str(PLACES), **settings) as server:
        yield server


@pytest.fixture(scope="module")
def study(served):
    [found] = requests.get(f"{served.dicomweb}/studies", timeout=300).json()
    return f"{served.dicomweb}/studies/{found['0020000D']['Value'][0]}"


@contextmanager
def connection(server, text):
    host, _, port = server.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=300) as client:
        client.sendall(text.encode())
        yield client


def stalled_reader(server, url):
    path = url.removeprefix(server.url)
    return connection(server, f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")


def read_to_the_end(client):
    """What comes until the connection ends, which a reset does as well."""
    received = b""
    try:
        while block := client.recv(1 << 20):
            received += block
    except ConnectionResetError:
        pass
    return received


def test_readers_that_stop_are_dropped_and_all_threads_serve_again(served, study):
    with ExitStack() as stack:
        readers = [stack.enter_context(stalled_reader(served, study)) for _ in range(PLACES)]
        begun = [reader.recv(1) for reader in readers]
        assert begun == [b"H"] * PLACES
        refused = requests.get(study, timeout=300)
        assert refused.status_code == 429
        assert refused.headers["Retry-After"]
        assert refused.json()["error"]
        assert requests.get(f"{served.dicomweb}/studies", timeout=300).status_code == 200
        whole = wait_until(lambda: served_study(study), what="the stalled readers' places are free")
        assert len(whole) > 60 * 512 * 512 * 2
        for reader in readers:
            assert len(read_to_the_end(reader)) < len(whole)


def served_study(url):
    answer = requests.get(url, timeout=300)
    return answer.content if answer.status_code == 200 else None


def test_requests_that_never_end_keep_no_thread(served, study):
    with ExitStack() as stack:
        senders = [stack.enter_context(connection(served, "GET /dicom-web/stu")) for _ in range(THREADS)]
        answer = requests.get(f"{served.dicomweb}/studies", timeout=300)
        assert answer.status_code == 200
        assert [read_to_the_end(sender) for sender in senders] == [b""] * THREADS


def test_a_reader_that_is_slow_and_steady_gets_everything(served, study):
    """Slower than the disk, over several times what a stalled one is given."""
    with requests.get(study, stream=True, timeout=300) as answer:
        expected, received = int(answer.headers["Content-Length"]), 0
        until = time.monotonic() + 3
        while block := answer.raw.read(256 * 1024):
            received += len(block)
            if time.monotonic() < until:
                time.sleep(0.1)
    assert received == expected


def test_a_client_has_so_many_places_and_gets_them_back(tmp_path):
    file = tmp_path / "run" / "places"
    held = [take_place(file, "a", places=2) for _ in range(2)]
    with pytest.raises(TooManyRetrieves):
        take_place(file, "a", places=2)
    other = take_place(file, "b", places=2)
    held.pop().close()
    again = take_place(file, "a", places=2)
    for place in (*held, other, again):
        place.close()
        place.close()


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", " , ", "10.0.0.1"),
    ],
)
def test_only_what_our_own_proxies_say_of_an_address_is_believed(rf, peer, forwarded, expected):
    request = rf.get("/", REMOTE_ADDR=peer, headers={"x-forwarded-for": forwarded})
    assert client_address(request, proxies=("10.0.0.1", "10.0.0.2")) == expected


def test_connections_that_are_kept_and_asked_of_again_keep_no_thread_from_others(served):
    with ExitStack() as stack:
        sessions = [stack.enter_context(requests.Session()) for _ in range(4 * THREADS)]
        for _ in range(3):
            for session in sessions:
                assert session.get(f"{served.url}/healthz", timeout=300).status_code == 200


def test_requests_that_come_at_once_are_answered_one_after_the_other(served):
    asked = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    last = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    with connection(served, asked + asked + last) as client:
        assert read_to_the_end(client).count(b"HTTP/1.1 200 ") == 3
