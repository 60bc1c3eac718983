"""STOW-RS when something is in the way: bounds, slow senders, a full disk, a process that is killed."""

import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import requests

from dicomhub.dicomweb.http import request_body
from dicomhub.intake.recovery import recover
from dicomhub.storage.filesystem import FilesystemStore
from tests.dicomweb.served import serving
from tests.dicomweb.storing import (
    BOUNDARY,
    OUT_OF_RESOURCES,
    Part,
    a_model,
    archived,
    failed,
    incoming,
    journalled,
    json_part,
    multipart,
    new_ct,
    post,
    store,
    stored,
)
from tests.support.incoming import being_written
from tests.support.process_memory import forget_peak, peak_bytes
from tests.support.samples import sample
from tests.support.small_disk import small_disk
from tests.support.waiting import wait_until

CT = sample("CT_small.dcm")
BODY_BYTES = 400 * 1024**2
MAX_BYTES = BODY_BYTES + 1024**2
GROWTH_BYTES = 32 * 1024**2


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    limits = {
        "STOW_MAX_BYTES": str(MAX_BYTES),
        "STOW_MAX_INSTANCES": "3",
        "STOW_METADATA_MAX_BYTES": "4096",
        "STOW_MAX_REQUESTS": "2",
        "STOW_STALL_SECONDS": "5",
    }
    with serving(tmp_path_factory.mktemp("limits") / "home", **limits) as server:
        yield server


def large_file(data, size_bytes):
    """A body with one instance that ends in a large private value."""
    yield multipart(Part(data)).removesuffix(f"\r\n--{BOUNDARY}--\r\n".encode())
    yield b"\xfd\x7f\x10\x00OB\0\0" + size_bytes.to_bytes(4, "little")
    block = bytes(1024**2)
    for _ in range(size_bytes // len(block)):
        yield block
    yield f"\r\n--{BOUNDARY}--\r\n".encode()


def test_memory_does_not_grow_with_the_body(server):
    uid, data = new_ct()
    assert stored(store(server, large_file(data, 1024**2))) == [uid]
    forget_peak(server.worker_pid())
    before = peak_bytes(server.worker_pid())
    assert stored(store(server, large_file(data, BODY_BYTES))) == [uid]
    assert peak_bytes(server.worker_pid()) - before < GROWTH_BYTES


def test_what_is_too_large(server):
    response = store(server, large_file(new_ct()[1], 2 * MAX_BYTES // 1024**2 * 1024**2))
    assert response.status_code == 413
    assert post(server, bytes(MAX_BYTES + 1), Content_Type="application/dicom").status_code == 413
    response = store(server, multipart(*(Part(new_ct()[1]) for _ in range(4))))
    assert response.status_code == 413
    models = [a_model() for _ in range(4)]
    assert (
        store(server, multipart(*map(json_part, models)), part_type="application/dicom+json").status_code
        == 413
    )
    long = a_model(**{"00104000": {"vr": "LT", "Value": ["x" * 5000]}})
    assert store(server, multipart(json_part(long)), part_type="application/dicom+json").status_code == 413
    empty = (Part(b"", "application/octet-stream", {"Content-Location": f"x/{n}"}) for n in range(100))
    body = multipart(json_part(a_model()), *empty)
    assert store(server, body, part_type="application/dicom+json").status_code == 413
    assert not incoming(server)


def connect(server, length, content_type="application/dicom"):
    host, port = server.url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), 60)
    lines = [
        "POST /dicom-web/studies HTTP/1.1",
        f"Host: {host}",
        f"Content-Type: {content_type}",
        length,
        "",
        "",
    ]
    connection.sendall("\r\n".join(lines).encode())
    return connection


def status_of(connection):
    with connection, connection.makefile("rb") as answer:
        return int(answer.readline().split()[1])


def test_a_sender_that_stalls_holds_no_thread(server):
    wait_until(lambda: not incoming(server), what="nothing else arrives")
    connections = [connect(server, "Content-Length: 1000000") for _ in range(2)]
    for connection in connections:
        connection.sendall(CT.read_bytes() + bytes(2 * request_body.BLOCK_BYTES))
    # Not asked for before both have their turn: whoever asks takes one himself.
    wait_until(lambda: len(incoming(server)) == 2, what="no turn is left")
    assert post(server, b"", Content_Type="application/dicom").status_code == 503
    assert [status_of(connection) for connection in connections] == [408, 408]
    assert stored(post(server, CT.read_bytes(), Content_Type="application/dicom"))
    assert not incoming(server)


@pytest.mark.parametrize("length", ["Content-Length: 1000000", "Transfer-Encoding: chunked"])
def test_a_sender_that_goes_away_leaves_what_was_whole(server, length):
    uid, data = new_ct()
    connection = connect(server, length, f"multipart/related; boundary={BOUNDARY}")
    body = Part(data).encode() + Part(new_ct()[1] + bytes(request_body.BLOCK_BYTES)).encode()
    if "chunked" in length:
        body = f"{len(body):x}\r\n".encode() + body + b"\r\n7f\r\n"
    connection.sendall(body)
    wait_until(lambda: uid in archived(server), what="the first one is archived")
    connection.close()
    wait_until(lambda: uid in journalled(server), what="its batch is cut")
    wait_until(lambda: not incoming(server), what="the half of the second has gone")


def test_a_full_disk(tmp_path):
    with (
        small_disk(tmp_path / "disk", size_bytes=16 * 1024**2) as disk,
        serving(tmp_path / "home", STORE_ROOT=str(disk.path / "store")) as server,
    ):
        first, data = new_ct()
        assert stored(post(server, data, Content_Type="application/dicom")) == [first]
        root = disk.path / "store"
        disk.fill(leave_bytes=64 * 1024)
        files = dict(new_ct() for _ in range(3))
        response = store(server, multipart(*map(Part, files.values())))
        assert response.status_code in {202, 503}
        assert {reason for _, reason in failed(response)} == {OUT_OF_RESOURCES}
        assert {path.stem for path in root.glob("default/*/*/*.dcm")} == {first, *stored(response)}
        disk.fill()
        response = store(server, multipart(Part(new_ct()[1])))
        assert response.status_code == 503
        assert int(response.headers["Retry-After"]) > 0
        assert not being_written(root)
        disk.empty()
        response = store(server, multipart(*map(Part, files.values())))
        assert response.status_code == 200
        assert set(stored(response)) == set(files)


def test_under_the_reserve(filling, settings, client):
    intake = replace(filling.environment.intake, disk_reserve_bytes=2**60)
    settings.ENVIRONMENT = replace(filling.environment, intake=intake)
    response = client.post("/dicom-web/studies", CT.read_bytes(), content_type="application/dicom")
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0


def test_what_was_answered_outlives_a_kill(tmp_path):
    """Workers are killed while four senders store: each answer is on the disk and will be published."""
    with serving(tmp_path / "home") as server:
        answered = []

        def send(_number):
            _, data = new_ct()
            try:
                response = post(server, data, Content_Type="application/dicom")
            except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
                return False  # ended before its answer, or in the middle of it
            answered.extend(stored(response))
            return True

        with ThreadPoolExecutor(4) as pool:
            for _ in range(2):
                target = len(answered) + 8
                sending = [pool.submit(send, number) for number in range(25)]
                wait_until(lambda target=target: len(answered) >= target, what="some are answered")
                killed = server.worker_pid()
                os.kill(killed, signal.SIGKILL)
                for each in sending:
                    each.result()
                wait_until(
                    lambda killed=killed: worker_of(server) not in {None, killed}, what="another worker"
                )
        assert set(answered) <= set(archived(server))
        wait_until(lambda: set(answered) <= set(journalled(server)), what="every answer is in a cut segment")
        # What it was receiving goes once it is old enough to be nobody's.
        for path in incoming(server):
            os.utime(path, (0, 0))
        recover(FilesystemStore(server.store_root, durability="process"))
        assert not incoming(server)


def worker_of(server):
    try:
        return server.worker_pid()
    except ValueError:  # none, for the moment
        return None
