"""Mutated streams against a live supervisor: every association ends in time, and nothing is left of it."""

import random
import re
import select
import socket
import ssl
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from scp.upper_layer.events import A_ABORT, A_ASSOCIATE_RJ, A_RELEASE_RP
from tests.fuzz.mutator import mutated
from tests.fuzz.seeds import never_seen_before, seeds
from tests.support.scp_process import ScpProcess, running_scp
from tests.support.waiting import wait_until

_PEERS = 16
_TIMER_SECONDS = 1
# One that watches the association, then ARTIM, and what a busy machine adds: far from the settings' defaults.
_LONGEST_SECONDS = 2 * _TIMER_SECONDS + 10
_SETTINGS = {
    "SCP_ARTIM_SECONDS": _TIMER_SECONDS,
    "SCP_STALL_SECONDS": _TIMER_SECONDS,
    "SCP_IDLE_SECONDS": _TIMER_SECONDS,
    "SCP_DURABILITY": "process",
    "SCP_MIN_SPARE_CHILDREN": _PEERS + 4,
    "SCP_MAX_SPARE_CHILDREN": _PEERS + 4,
    "SCP_MAX_CHILDREN": _PEERS + 4,
    "STORE_RESERVE_BYTES": 0,
    "LOG_FORMAT": "json",
}
# What a peer meets that goes on sending to an SCP that has closed, without TLS and with it.
_GONE = (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)
_FAULT = re.compile(r"Traceback|association_failed|child_died|child_failed|child_hung|Exception in thread")


@dataclass(slots=True)
class ServingFigures:
    """outcomes are those of the log's line an association; longest is from the last byte sent to the close.

    express are the instances that the express lane has stored after the warm-up.
    """

    streams: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    archived: int = 0
    express: int = 0
    longest_seconds: float = 0.0


Connect = Callable[[ScpProcess], socket.socket]


def fuzz_supervisor(
    *,
    streams: int,
    seed: int,
    settings: Mapping[str, object] | None = None,
    connect: Connect = ScpProcess.connect,
) -> ServingFigures:
    """Raises AssertionError when a stream leaves a trace, TimeoutError when an association does not end."""
    with (
        tempfile.TemporaryDirectory(prefix="dicomhub-fuzz-") as home,
        running_scp(Path(home), _SETTINGS | (settings or {})) as scp,
    ):
        return _fuzz(scp, connect, streams=streams, seed=seed)


def _fuzz(scp: ScpProcess, connect: Connect, *, streams: int, seed: int) -> ServingFigures:
    chance, originals, figures = random.Random(seed), seeds(), ServingFigures()
    wait_until(lambda: len(scp.children("worker")) == _PEERS + 4, what="the pool is full")
    _warm_up(scp, connect, originals)
    wait_until(lambda: set(_threads(scp)) == {1}, what="the warm-up is over")
    before, warm_up_bytes = _traces(scp), len(scp.log())
    jobs = [
        (never_seen_before(mutated(chance, originals), number), chance.random()) for number in range(streams)
    ]
    with ThreadPoolExecutor(_PEERS) as peers:
        for seconds in peers.map(lambda job: _converse(connect(scp), *job), jobs):
            figures.streams += 1
            figures.longest_seconds = max(figures.longest_seconds, seconds)
    wait_until(lambda: _traces(scp) == before, what=f"nothing is left but {before}")
    log = scp.log()
    fault = _FAULT.search(log)
    assert fault is None, log[max(0, fault.start() - 500) : fault.start() + 3000]
    figures.outcomes.update(re.findall(r'"outcome": ?"([^"]+)"', log))
    assert "failed" not in figures.outcomes, "an association has ended for no reason that it knows of"
    assert figures.longest_seconds < _LONGEST_SECONDS, "an association has outlived its timers"
    figures.archived = len(scp.archived())
    figures.express = sum(map(int, re.findall(r'"express": ?(\d+)', log[warm_up_bytes:])))
    return figures


def _warm_up(scp: ScpProcess, connect: Connect, originals: list[bytes]) -> None:
    """Let every child serve, so that what it opens once and keeps is open."""
    with ThreadPoolExecutor(_PEERS) as peers:
        list(peers.map(lambda stream: _converse(connect(scp), stream, 0.9), originals * 5))


def _converse(connected: socket.socket, stream: bytes, manner: float) -> float:
    """Send a stream and read until the SCP closes; return how many seconds that took."""
    with connected as peer:
        with suppress(*_GONE):
            if manner < 0.3:
                middle = len(stream) // 2
                peer.sendall(stream[:middle])
                peer.sendall(stream[middle:])
            else:
                peer.sendall(stream)
            if manner < 0.1:
                return 0.0  # gone without a word
        sent_at = time.monotonic()
        if manner > 0.9:
            _drip_after_the_end(peer, stream[-50:])
        with suppress(*_GONE):
            while peer.recv(65536):
                pass
        return time.monotonic() - sent_at


def _drip_after_the_end(peer: socket.socket, piece: bytes) -> None:
    """Once the association has ended, go on sending until the SCP closes, or much too long."""
    answer = b""
    with suppress(OSError):
        while not _is_last(answer):
            received = peer.recv(65536)
            if not received:
                return
            answer += received
        for _ in range(10 * _LONGEST_SECONDS):
            peer.sendall(piece)
            if select.select([peer], [], [], 0.1)[0] and not peer.recv(65536):
                return


def _is_last(answer: bytes) -> bool:
    """Whether the SCP has sent a PDU after which an association has no other."""
    offset, pdu_type = 0, 0
    while offset + 6 <= len(answer):
        pdu_type = answer[offset]
        offset += 6 + int.from_bytes(answer[offset + 2 : offset + 6], "big")
    return pdu_type in {A_ASSOCIATE_RJ, A_RELEASE_RP, A_ABORT}


def _traces(scp: ScpProcess) -> dict[str, object]:
    """What must be as before: the children, their threads, their descriptors, the incoming files."""
    workers = sorted(scp.children("worker"))
    return {
        "workers": workers,
        "threads": _threads(scp),
        "sockets": [_open(pid, "socket:") for pid in workers],
        "others": [_open(pid, "") - _open(pid, "socket:") - _open(pid, "/journal/") for pid in workers],
        "incoming": len(scp.incoming()),
    }


def _threads(scp: ScpProcess) -> list[int]:
    return [len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in sorted(scp.children("worker"))]


def _open(pid: int, kind: str) -> int:
    names = []
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            names.append(str(descriptor.readlink()))
    return sum(kind in name for name in names)
