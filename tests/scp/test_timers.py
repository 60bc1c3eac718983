"""Every timer of a live SCP: whom it ends, when, and whom it leaves alone."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.scp.lanes import LANES, associated
from tests.scp.pdus import (
    ABORT,
    COMMAND,
    LAST,
    RELEASE_RP,
    RELEASE_RQ,
    associate_rq,
    c_echo_rq,
    p_data,
    pdv,
    user_information,
)
from tests.scp.raw_peer import RawPeer, data_pdus, data_set_of, store_command
from tests.support.metrics import ScpMetrics
from tests.support.samples import sample
from tests.support.scp_process import HANG_SECONDS, running_scp
from tests.support.waiting import wait_until

ARTIM, STALL, IDLE = 1.0, 1.0, 2.0
ECHO = p_data(pdv(c_echo_rq(), context=3, control=COMMAND | LAST))
USER_ABORT = (0, 0)
# How much later than it should a timer may end something before that is no longer the machine's fault.
LATE_SECONDS = 20.0


@pytest.fixture(scope="module")
def scp(tmp_path_factory):
    settings = {
        "SCP_ARTIM_SECONDS": ARTIM,
        "SCP_STALL_SECONDS": STALL,
        "SCP_IDLE_SECONDS": IDLE,
        "SCP_MIN_BYTES_PER_SECOND": 1000,
        "STORE_RESERVE_BYTES": 0,
    }
    with running_scp(tmp_path_factory.mktemp("timers"), settings) as process:
        yield process


@contextmanager
def takes(seconds: float) -> Iterator[None]:
    """No less, and more only by what a busy machine adds."""
    began_at = time.monotonic()
    yield
    assert seconds <= time.monotonic() - began_at < seconds + LATE_SECONDS


class Sender:
    """Sends with pauses, and knows how long it was silent, the machine's pauses included."""

    def __init__(self, peer: RawPeer, *, sent_at: float) -> None:
        self.peer = peer
        self._sent_at = sent_at
        self.longest_silence = 0.0

    def send_after(self, pause: float, data: bytes) -> None:
        time.sleep(pause)
        begun_at = time.monotonic()
        try:
            self.peer.send(data)
        finally:
            self.longest_silence = max(self.longest_silence, time.monotonic() - self._sent_at)
            self._sent_at = begun_at


def is_let_go_on(
    converse: Callable[[Sender], None], associate: Callable[[], RawPeer], *, limit: float
) -> bool:
    """Whether a peer that is never silent for as long as limit can converse. One that was shows nothing."""
    for _ in range(20):
        began_at = time.monotonic()
        with associate() as peer:
            sender = Sender(peer, sent_at=began_at)
            try:
                converse(sender)
            except (AssertionError, OSError):
                if sender.longest_silence < limit:
                    raise
            else:
                return True
    raise AssertionError("this machine has never let the sender be in time")


def reason_of(scp, peer):
    """The reason in the log line of a peer's association, once it is over."""
    return scp.end_of(peer.address).partition(" reason=")[2].split(" ")[0]


def test_artim_ends_a_connection_without_a_request(scp):
    with takes(ARTIM), RawPeer(scp) as peer:
        assert peer.is_closed()


def test_artim_is_not_put_off_by_a_request_that_drips(scp):
    with takes(ARTIM), RawPeer(scp) as peer:
        with pytest.raises(ConnectionError):  # noqa: PT012 - some byte finds the connection closed
            for byte in associate_rq():
                peer.send(bytes((byte,)))
                time.sleep(ARTIM / 20)
        assert peer.is_closed()


def test_artim_ends_a_connection_whose_peer_does_not_close_after_a_rejection(scp):
    with RawPeer(scp) as peer, takes(ARTIM):
        peer.send(associate_rq(application_context="1.2.3"))
        assert peer.read()[0] == 3
        assert peer.is_closed()


def test_artim_ends_a_connection_whose_peer_does_not_close_after_its_release(scp):
    with RawPeer(scp).associate() as peer, takes(ARTIM):
        peer.send(RELEASE_RQ)
        assert peer.read() == (6, bytes(4))
        assert peer.is_closed()


def test_artim_ends_a_connection_whose_peer_does_not_close_after_our_abort(scp):
    with RawPeer(scp).associate() as peer, takes(ARTIM):
        peer.send(RELEASE_RP)
        assert peer.abort_reason() == (2, 2)
        assert peer.is_closed()


@pytest.mark.parametrize("repeated", [associate_rq(), ECHO], ids=["A-ASSOCIATE-RQ", "P-DATA-TF"])
@pytest.mark.parametrize("lane", LANES)
def test_artim_is_not_put_off_by_what_is_sent_after_our_abort(scp, lane, repeated):
    with associated(scp, lane) as peer, takes(ARTIM):
        peer.send(RELEASE_RP)
        assert peer.abort_reason() == (2, 2)
        with pytest.raises(ConnectionError):  # noqa: PT012 - one of them finds the connection closed
            for _ in range(1000):
                peer.send(repeated)
                time.sleep(ARTIM / 20)


def test_the_peers_abort_needs_no_timer(start_scp):
    never = 10 * HANG_SECONDS
    scp = start_scp(SCP_ARTIM_SECONDS=never, SCP_STALL_SECONDS=never, SCP_IDLE_SECONDS=never)
    with RawPeer(scp).associate() as peer:
        peer.send(ABORT)
        assert peer.is_closed()


def test_artim_does_not_watch_an_association_and_idle_begins_anew_with_each_message(scp):
    def echo_four_times(sender):
        for _ in range(4):
            sender.send_after(max(ARTIM, STALL) * 1.1, ECHO)  # less than IDLE, and more than both others
            assert sender.peer.status() == (0, "")

    assert is_let_go_on(echo_four_times, lambda: RawPeer(scp).associate(), limit=IDLE)


def test_a_peer_that_asks_for_nothing_is_aborted_when_it_has_been_idle(scp):
    with RawPeer(scp).associate() as peer:
        with takes(IDLE):
            peer.send(ECHO)
            assert peer.status() == (0, "")
            assert peer.abort_reason() == USER_ABORT
        assert reason_of(scp, peer) == "idle"


@pytest.mark.parametrize("where", ["in a PDU's header", "in a PDU", "between PDUs of a message"])
def test_a_peer_that_begins_and_stops_is_aborted_when_it_has_stalled(scp, where):
    path = sample("CT_small.dcm")
    first = data_pdus(data_set_of(path))[0]
    begun = {
        "in a PDU's header": first[:3],
        "in a PDU": store_command(path) + first[:-1],
        "between PDUs of a message": store_command(path) + first,
    }
    with RawPeer(scp).associate_for(path) as peer:
        with takes(STALL):
            peer.send(begun[where])
            assert peer.abort_reason() == USER_ABORT
        assert reason_of(scp, peer) == "stalled"
    wait_until(lambda: scp.incoming() == [], what="nothing is left")


@pytest.mark.parametrize(
    ("begun", "drop"),
    [(p_data(pdv(bytes(16000)))[:12], b"\0"), (b"", p_data(pdv(b"", control=0)))],
    ids=["bytes of a PDU", "empty PDVs"],
)
@pytest.mark.parametrize("lane", LANES)
def test_a_peer_that_goes_on_and_brings_next_to_nothing_is_aborted(scp, lane, begun, drop):
    with associated(scp, lane) as peer:
        with takes(STALL):
            peer.send(store_command(sample("CT_small.dcm")) + begun)
            for _ in range(int(10 * LATE_SECONDS / STALL)):
                if peer.has_answer(within_seconds=STALL / 10):
                    break
                peer.send(drop)
            assert peer.abort_reason() == USER_ABORT
        assert reason_of(scp, peer) == "slow"
    wait_until(lambda: scp.incoming() == [], what="nothing is left")


def test_a_peer_may_bring_as_little_as_it_likes_where_no_least_is_set(start_scp):
    scp = start_scp(SCP_STALL_SECONDS=STALL, SCP_MIN_BYTES_PER_SECOND=0)

    def echo_byte_by_byte(sender):
        for byte in ECHO[:20]:
            sender.send_after(STALL / 5, bytes((byte,)))
        sender.send_after(0, ECHO[20:])
        assert sender.peer.status() == (0, "")

    assert is_let_go_on(echo_byte_by_byte, lambda: RawPeer(scp).associate(), limit=STALL)


@pytest.mark.parametrize("lane", LANES)
def test_a_slow_peer_is_no_stalled_one(scp, lane):
    """It brings more in each piece than it would have to in a whole period."""
    path = sample("CT_small.dcm")
    pdus = data_pdus(data_set_of(path), size=6000)

    def store_in_halves(sender):
        sender.send_after(0, store_command(path))
        for pdu in pdus:
            sender.send_after(0, pdu[: len(pdu) // 2])
            sender.send_after(STALL / 3, pdu[len(pdu) // 2 :])
        assert sender.peer.status() == (0, "")

    assert is_let_go_on(store_in_halves, lambda: associated(scp, lane), limit=STALL)


def test_a_peer_that_takes_no_answers_is_given_up_when_it_has_stalled(scp):
    """Its own buffer and ours fill up; then we would wait for it with a child of ours."""
    metrics = ScpMetrics(scp.home)
    with RawPeer(scp) as peer:
        peer.associate(information=user_information(max_pdu_bytes=8))  # answers in many PDUs
        with pytest.raises(ConnectionError):  # noqa: PT012 - it waits for room, until the end
            while True:
                peer.send(ECHO * 2000)
        assert "reason='the peer takes nothing'" in scp.end_of(peer.address)
    wait_until(
        lambda: metrics.value("scp_associations", state="established") == 0, what="its child is free again"
    )


def test_a_child_whose_peer_takes_no_answers_is_not_taken_for_a_hung_one(start_scp):
    scp = start_scp(SCP_HEARTBEAT_SECONDS=3, SCP_STALL_SECONDS=7)
    with RawPeer(scp) as peer:
        peer.associate(information=user_information(max_pdu_bytes=8))
        with takes(7), pytest.raises(ConnectionError):  # noqa: PT012 - as above
            while True:
                peer.send(ECHO * 2000)
        assert "reason='the peer takes nothing'" in scp.end_of(peer.address)


def test_drain_ends_everything_in_its_time_also_a_sender_that_never_stops(start_scp):
    scp = start_scp(SCP_DRAIN_SECONDS=1.5)
    with RawPeer(scp).associate() as busy, RawPeer(scp).associate() as silent:
        began_at = time.monotonic()
        scp.process.terminate()
        while (answer := _echo(busy)) == 4:
            assert time.monotonic() - began_at < HANG_SECONDS
        assert answer == 7
        assert time.monotonic() - began_at >= 1.5
        assert silent.abort_reason() == USER_ABORT
        assert scp.process.wait(HANG_SECONDS) == 0


def _echo(peer):
    peer.send(ECHO)
    answer = peer.read()
    return answer and answer[0]
