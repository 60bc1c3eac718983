"""Time in the express lane: what a timer has ended stays ended, and what takes us long is not the peer's."""

import socket
import time
from threading import Thread

import pytest

from dicomhub.intake.segments import read_segment
from scp.express.lane import ExpressLane
from scp.express.library import Outcome, library_path
from tests.scp.conversations import BEGINNING, CONTEXTS, NEXT, message, series
from tests.scp.express_hook import before_each_fragment
from tests.scp.in_process import lane_of
from tests.scp.pdus import RELEASE_RQ
from tests.scp.run_here import association_with_peer, served
from tests.support.incoming import being_written
from tests.support.scp_process import HANG_SECONDS
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(
    not library_path().exists(), reason="the express lane is not built (make express)"
)
STALL_SECONDS = 1.0


class Slowly:
    """Has the express lane take as long for a fragment as it says; waits are those still to come."""

    def __init__(self, lane, waits) -> None:
        self.waits = list(waits)
        before_each_fragment(lane, self._wait)

    def _wait(self) -> None:
        if self.waits:
            time.sleep(self.waits.pop())


def archived(lane):
    return sorted(path.stem for path in lane.intake.store.root.glob("default/*/*/*.dcm"))


@pytest.mark.parametrize("has_express", [True, False])
def test_after_a_stall_in_the_middle_of_an_instance_nothing_more_is_stored_or_answered(tmp_path, has_express):
    lane = lane_of(
        tmp_path, has_express=has_express, SCP_STALL_SECONDS=STALL_SECONDS, SCP_ARTIM_SECONDS=STALL_SECONDS
    )
    following = message(NEXT)
    with served(lane) as peer:
        peer.associate(*CONTEXTS)
        peer.send(BEGINNING + following[:-50])
        assert [peer.status() for _ in range(4)] == [(0, "")] * 4
        assert peer.abort_reason() == (0, 0)
        peer.send(following[-50:] + message("1.2.3.4.78"))
        assert peer.is_closed()
    assert len(archived(lane)) == 4
    assert being_written(tmp_path / "store") == []


def test_a_peer_is_not_stalled_while_we_write_what_it_has_sent(tmp_path):
    lane = lane_of(tmp_path, has_express=True, SCP_STALL_SECONDS=STALL_SECONDS)
    slowly = Slowly(lane, [1.5 * STALL_SECONDS])
    large = series(3, pixels=bytes(1_500_000), size=16_000)  # more than is received at a time
    with association_with_peer(lane) as (association, peer):
        serving = Thread(target=association.run)
        serving.start()
        peer.associate(*CONTEXTS)
        peer.send(large)
        assert [peer.status() for _ in range(3)] == [(0, "")] * 3
    serving.join(HANG_SECONDS)
    assert slowly.waits == []
    assert association._record._express_instances == 1


def test_what_lies_in_the_buffer_puts_no_tick_off(tmp_path):
    lane = lane_of(tmp_path, has_express=True, BATCH_MAX_SECONDS=0.1)
    slowly = Slowly(lane, [0.04] * 30)
    with served(lane) as peer:
        peer.associate(*CONTEXTS)
        peer.send(series(30, size=1000))
        assert [peer.status() for _ in range(30)] == [(0, "")] * 30
    segments = [read_segment(path) for path in (tmp_path / "store" / "journal").iterdir()]
    assert slowly.waits == []
    assert len(segments) > 2, "segments are cut at their age"
    assert sum(len(segment.batch.instances) for segment in segments) == 30


def test_a_peer_that_takes_its_answers_late_gets_them_all(tmp_path, monkeypatch):
    outcomes, run = [], ExpressLane.run

    def run_and_note(lane, **how):
        outcomes.append(run(lane, **how))
        return outcomes[-1]

    monkeypatch.setattr(ExpressLane, "run", run_and_note)
    lane = lane_of(tmp_path, has_express=True)
    with association_with_peer(lane) as (association, peer):
        # As little room as there can be for answers that nobody takes, on both sides.
        association._connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        serving = Thread(target=association.run)
        serving.start()
        peer.associate(*CONTEXTS)
        messages = [message(f"1.2.3.4.{index}") for index in range(1, 500)]
        sending = Thread(target=lambda: peer.send(b"".join(messages) + RELEASE_RQ))
        sending.start()
        wait_until(lambda: Outcome.UNSENT in outcomes, what="an answer finds no room")
        assert [peer.status() for _ in messages] == [(0, "")] * len(messages)
        assert peer.read() == (6, bytes(4))
        sending.join(HANG_SECONDS)
    serving.join(HANG_SECONDS)
    assert len(archived(lane)) == len(messages)
