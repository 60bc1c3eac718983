"""Every timer of a live SCP: whom it ends, when, and whom it leaves alone."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

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
from tests.support.scp_process import running_scp
from tests.support.waiting import wait_until

ARTIM, STALL, IDLE = 0.5, 1.0, 2.0
# What a busy machine may be late.
LATE_SECONDS = 3.0
ECHO = p_data(pdv(c_echo_rq(), context=3, control=COMMAND | LAST))
USER_ABORT = (0, 0)


@pytest.fixture(scope="module")
def scp(tmp_path_factory):
    settings = {
        "SCP_ARTIM_SECONDS": ARTIM,
        "SCP_STALL_SECONDS": STALL,
        "SCP_IDLE_SECONDS": IDLE,
        "STORE_RESERVE_BYTES": 0,
    }
    with running_scp(tmp_path_factory.mktemp("timers"), settings) as process:
        yield process


@contextmanager
def takes(seconds: float) -> Iterator[None]:
    began_at = time.monotonic()
    yield
    taken = time.monotonic() - began_at
    assert seconds - 0.05 <= taken <= seconds + LATE_SECONDS


def reason_of(scp, peer):
    """The reason in the log line of a peer's association, once it is over."""
    host, port = peer.socket.getsockname()
    mark = f"peer={host}:{port}"

    def lines():
        return [line for line in scp.log().splitlines() if mark in line and " association " in f" {line} "]

    [line] = wait_until(lines, what="the association is told of")
    return line.partition(" reason=")[2].split(" ")[0]


def drip(peer, data, *, pause):
    """One byte after the other; each comes in time."""
    for byte in data:
        peer.send(bytes((byte,)))
        time.sleep(pause)


def test_artim_ends_a_connection_without_a_request(scp):
    with RawPeer(scp) as peer, takes(ARTIM):
        assert peer.is_closed()


def test_artim_is_not_put_off_by_a_request_that_drips(scp):
    with RawPeer(scp) as peer, takes(ARTIM):
        with pytest.raises(ConnectionError):
            drip(peer, associate_rq(), pause=ARTIM / 20)
        assert peer.is_closed()


def test_artim_ends_a_connection_whose_peer_does_not_close_after_a_rejection(scp):
    with RawPeer(scp) as peer:
        peer.send(associate_rq(application_context="1.2.3"))
        assert peer.read()[0] == 3
        with takes(ARTIM):
            assert peer.is_closed()


def test_artim_ends_a_connection_whose_peer_does_not_close_after_its_release(scp):
    with RawPeer(scp).associate() as peer:
        peer.send(RELEASE_RQ)
        assert peer.read() == (6, bytes(4))
        with takes(ARTIM):
            assert peer.is_closed()


def test_artim_ends_a_connection_whose_peer_does_not_close_after_our_abort(scp):
    with RawPeer(scp).associate() as peer:
        peer.send(RELEASE_RP)
        assert peer.abort_reason() == (2, 2)
        with takes(ARTIM):
            assert peer.is_closed()


def test_the_peers_abort_needs_no_timer(scp):
    with RawPeer(scp).associate() as peer, takes(0):
        peer.send(ABORT)
        assert peer.is_closed()


def test_artim_does_not_watch_an_association_and_idle_begins_anew_with_each_message(scp):
    with RawPeer(scp).associate() as peer:
        for _ in range(4):
            time.sleep(max(ARTIM, STALL) * 1.1)  # less than IDLE, and more than both others
            peer.send(ECHO)
            assert peer.status() == (0, "")
        with takes(IDLE):
            assert peer.abort_reason() == USER_ABORT
        assert reason_of(scp, peer) == "idle"


@pytest.mark.parametrize("where", ["in a PDU's header", "in a PDU", "between PDUs of a message"])
def test_a_peer_that_begins_and_stops_is_aborted_when_it_has_stalled(scp, where):
    path = sample("CT_small.dcm")
    first = data_pdus(data_set_of(path))[0]
    with RawPeer(scp).associate_for(path) as peer:
        match where:
            case "in a PDU's header":
                peer.send(first[:3])
            case "in a PDU":
                peer.send(store_command(path) + first[:-1])
            case _:
                peer.send(store_command(path) + first)
        with takes(STALL):
            assert peer.abort_reason() == USER_ABORT
        assert reason_of(scp, peer) == "stalled"
    wait_until(lambda: scp.incoming() == [], what="nothing is left")


def test_a_slow_peer_is_no_stalled_one(scp):
    path = sample("CT_small.dcm")
    pdus = data_pdus(data_set_of(path), size=6000)
    with RawPeer(scp).associate_for(path) as peer:
        peer.send(store_command(path))
        for pdu in pdus:
            peer.send(pdu[: len(pdu) // 2])
            time.sleep(STALL / 3)
            peer.send(pdu[len(pdu) // 2 :])
        assert peer.status() == (0, "")


def test_a_peer_that_takes_no_answers_is_given_up_when_it_has_stalled(scp):
    """Its own buffer and ours fill up; then we would wait for it with a child of ours."""
    metrics = ScpMetrics(scp.home)
    with RawPeer(scp) as peer:
        peer.socket.settimeout(0.2)
        peer.associate(information=user_information(max_pdu_bytes=8))  # answers in many PDUs
        began_at = time.monotonic()
        with pytest.raises(OSError):  # noqa: PT012 - full buffers, then the end
            while time.monotonic() - began_at < 60:
                try:
                    peer.send(ECHO * 2000)
                except TimeoutError:
                    peer.socket.settimeout(STALL + LATE_SECONDS)
        assert reason_of(scp, peer)
    wait_until(
        lambda: metrics.value("scp_associations", state="established") == 0, what="its child is free again"
    )


def test_drain_ends_everything_in_its_time_also_a_sender_that_never_stops(start_scp):
    scp = start_scp(SCP_DRAIN_SECONDS=1.5)
    with RawPeer(scp).associate() as busy, RawPeer(scp).associate() as silent:
        began_at = time.monotonic()
        scp.process.terminate()
        while (answer := _echo(busy)) == 4:
            assert time.monotonic() - began_at < 1.5 + LATE_SECONDS
        assert answer == 7
        assert time.monotonic() - began_at >= 1.4
        assert silent.abort_reason() == USER_ABORT
        # SCP_DRAIN_SECONDS, 1.5 s from the abort until what hangs is killed, 2 s for the last batches.
        assert scp.process.wait(1.5 + 1.5 + 2 + LATE_SECONDS) == 0


def _echo(peer):
    peer.send(ECHO)
    answer = peer.read()
    return answer and answer[0]
