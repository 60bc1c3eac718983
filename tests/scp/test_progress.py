"""Whether a peer goes on fast enough: asked as an association asks, in every turn of its loop."""

import time

import pytest

from scp.progress import Progress
from tests.support.waiting import wait_until

PERIOD = 0.05
MIN_BYTES_PER_SECOND = 1000
TOO_FEW, ENOUGH = 200, 1_000_000  # bytes a second


class Peer:
    """One that has sent bytes before, and goes on sending so many a second."""

    def __init__(self, bytes_per_second: int) -> None:
        self._bytes_per_second = bytes_per_second
        self._began_at = time.monotonic()
        self._progress = Progress(period_seconds=PERIOD, min_bytes_per_second=MIN_BYTES_PER_SECOND)

    def is_too_slow(self, *, is_waiting_for_more: bool = True) -> bool:
        received_bytes = 1000 + int((time.monotonic() - self._began_at) * self._bytes_per_second)
        return self._progress.is_too_slow(received_bytes, is_waiting_for_more=is_waiting_for_more)

    def is_ever_too_slow(self) -> bool:
        until = time.monotonic() + 3 * PERIOD
        while time.monotonic() < until:
            if self.is_too_slow():
                return True
        return False


def test_a_peer_that_brings_next_to_nothing_is_too_slow():
    wait_until(Peer(TOO_FEW).is_too_slow, what="a period is judged")


def test_a_peer_that_brings_enough_is_not():
    assert not Peer(ENOUGH).is_ever_too_slow()


def test_a_silent_peer_is_not_slow_whatever_our_own_work_took():
    """It is stalled, by a timer that begins later: when what it sent before has been dealt with."""
    assert not Peer(0).is_ever_too_slow()


def test_nothing_is_judged_between_messages():
    peer = Peer(TOO_FEW)
    until = time.monotonic() + 3 * PERIOD
    while time.monotonic() < until:
        assert not peer.is_too_slow()
        assert not peer.is_too_slow(is_waiting_for_more=False)


def test_a_rest_is_the_peers_time_however_long_it_was():
    progress = Progress(period_seconds=3600, min_bytes_per_second=MIN_BYTES_PER_SECOND)
    assert not progress.is_too_slow(1000, is_waiting_for_more=True)
    progress.waited(3000)
    assert not progress.is_too_slow(1001, is_waiting_for_more=True)
    progress.waited(600)
    assert progress.is_too_slow(1002, is_waiting_for_more=True)


@pytest.mark.parametrize("silence", [PERIOD, 3 * PERIOD])
def test_a_peer_that_drips_after_a_silence_is_too_slow(silence):
    progress = Progress(period_seconds=PERIOD, min_bytes_per_second=MIN_BYTES_PER_SECOND)
    until = time.monotonic() + silence
    while time.monotonic() < until:
        assert not progress.is_too_slow(1000, is_waiting_for_more=True)
    wait_until(lambda: progress.is_too_slow(1001, is_waiting_for_more=True), what="a period is judged")
