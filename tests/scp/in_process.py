"""One association served in this process, with or without the express lane, and all that came of it."""

import os
import socket
from dataclasses import dataclass
from threading import Thread

import msgspec
import pytest

from dicomhub.environment import read_environment
from dicomhub.intake.door import Intake
from dicomhub.intake.segments import read_segment
from scp.acceptance import Acceptor
from scp.admission import AdmissionCache
from scp.express.engine import Engine
from scp.express.library import Library, library_path
from scp.lane import Lane
from scp.precedence import Precedence
from scp.scoreboard import Scoreboard
from scp.waking import WakePipe
from tests.scp.run_here import association_with_peer
from tests.support.scp_process import HANG_SECONDS

_BUFFER_BYTES = 512 * 1024


@dataclass(frozen=True, slots=True)
class Served:
    """answers are all bytes that the peer got; files the store's by their path; lines the journal's records."""

    answers: bytes
    files: dict[str, bytes]
    lines: list[dict[str, object]]
    counts: list[int]
    express: int


class Stop(WakePipe):
    """A StopRequest that no signal makes: it is the test's to set, and to poke."""

    is_retiring = is_aborting = False

    def __del__(self) -> None:
        # There are hundreds in one run of the tests, and select() knows 1,024 descriptors.
        os.close(self.fileno())
        os.close(self.writer)


def needs_the_express_lane(has_express):
    """Skip a test that is to have it where it is not built."""
    if has_express and not library_path().exists():
        pytest.skip("the express lane is not built (make express)")


def lane_of(home, *, has_express=False, was_cut=lambda: None, **settings):
    environment = read_environment(
        {
            "DICOMHUB_HOME": str(home),
            "STORE_RESERVE_BYTES": "0",
            "SCP_DURABILITY": "process",
            "BATCH_MAX_SECONDS": "3600",
            **{name: str(value) for name, value in settings.items()},
        }
    )
    intake = Intake.open(environment, owner="test", was_cut=was_cut)
    scoreboard = Scoreboard(2)
    slot = scoreboard.take()
    buffer = bytearray(_BUFFER_BYTES)
    is_power_safe = environment.intake.durability == "power"
    engine = (
        Engine(
            Library(library_path()),
            intake=intake,
            tally=slot.tally,
            newcomer=scoreboard.newcomer,
            buffer=buffer,
            is_power_safe=is_power_safe,
        )
        if has_express
        else None
    )
    return Lane(
        settings=environment.scp,
        acceptor=Acceptor(environment.scp),
        intake=intake,
        admissions=AdmissionCache(intake.store, own_ae_title=environment.scp.ae_title),
        slot=slot,
        stop=Stop(),
        precedence=Precedence(scoreboard, slot),
        buffer=buffer,
        engine=engine,
        stop_accepting=lambda: None,
    )


def serve(lane, stream, *, step=None):
    """Send a stream, step bytes at a time, end, and read to the end; return what came of it."""
    answers = []
    with association_with_peer(lane) as (association, peer):
        threads = [
            Thread(target=association.run),
            Thread(target=lambda: answers.append(_read_to_the_end(peer.socket))),
        ]
        for thread in threads:
            thread.start()
        _send(peer.socket, stream, step or len(stream) or 1)
        for thread in threads:
            thread.join(HANG_SECONDS)
        assert not any(thread.is_alive() for thread in threads), "the association has not ended"
    return _what_came(lane, answers[0], association)


def _send(peer, stream, step):
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        for start in range(0, len(stream), step):
            peer.sendall(stream[start : start + step])
        peer.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # it has been closed in the middle


def _read_to_the_end(peer):
    answers = b""
    try:
        while piece := peer.recv(65536):
            answers += piece
    except ConnectionError:
        pass
    return answers


def _what_came(lane, answers, association):
    store = lane.intake.store
    lines = [
        msgspec.to_builtins(instance)
        for path in sorted((store.root / "journal").iterdir())
        for instance in read_segment(path).batch.instances
    ]
    for line in lines:
        for differing in ("received_at", "trace_id"):
            del line[differing]
    files = {
        str(path.relative_to(store.root)): path.read_bytes()
        for path in sorted(store.root.rglob("*"))
        if path.is_file() and path.parts[len(store.root.parts)] not in {"journal", "quarantine"}
    }
    record = association._record
    return Served(answers, files, lines, lane.slot.tally.counts(), record._express_instances)
