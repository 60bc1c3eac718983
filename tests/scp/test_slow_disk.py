"""An association whose disk is slower than its timers: the time that is ours is never taken for the peer's."""

import time

import pytest

from dicomhub.intake.incoming_instance import IncomingInstance
from tests.scp.in_process import lane_of
from tests.scp.pdus import RELEASE_RQ
from tests.scp.raw_peer import data_pdus, data_set_of, store_command
from tests.scp.run_here import served
from tests.support.ct_series import write_ct_series
from tests.support.waiting import wait_until

STALL_SECONDS = 2.0


@pytest.fixture
def pauses(monkeypatch):
    """Seconds that the disk takes for one writing each, the last one first."""
    pauses = []
    write = IncomingInstance.write

    def write_slowly(self, fragments):
        if pauses:
            time.sleep(pauses[-1])
            pauses.pop()
        write(self, fragments)

    monkeypatch.setattr(IncomingInstance, "write", write_slowly)
    return pauses


def test_a_peer_is_not_stalled_while_we_write_what_it_has_sent(tmp_path, pauses):
    pauses += [1.5 * STALL_SECONDS]  # with most of the data set still to come
    [path] = write_ct_series(tmp_path / "ct", instances=1, patient_id="SLOW", rows=1024)  # 4 buffers
    served_by = lane_of(tmp_path / "home", SCP_STALL_SECONDS=STALL_SECONDS)
    with served(served_by) as peer:
        peer.associate_for(path)
        messages = [store_command(path), *data_pdus(data_set_of(path), size=100_000), RELEASE_RQ]
        peer.send(b"".join(messages))
        assert peer.status() == (0, "")
        assert peer.read() == (6, bytes(4))
    assert pauses == []


def test_a_peer_is_not_slow_while_we_write_what_it_has_sent(tmp_path, pauses):
    pauses += [1.5 * STALL_SECONDS, 0.1]  # a tick between the two, and next to nothing that has come by then
    [path] = write_ct_series(tmp_path / "ct", instances=1, patient_id="SLOW", rows=64)
    served_by = lane_of(tmp_path / "home", SCP_STALL_SECONDS=STALL_SECONDS)
    with served(served_by) as peer:
        peer.associate_for(path)
        first, second, *rest = data_pdus(data_set_of(path), size=100)
        peer.send(store_command(path) + first)
        wait_until(lambda: len(pauses) == 1, what="the disk has written the first")
        peer.send(second)
        wait_until(lambda: not pauses, what="the disk has written the second")
        peer.send(b"".join(rest) + RELEASE_RQ)
        assert peer.status() == (0, "")
        assert peer.read() == (6, bytes(4))
