"""What fails under the express lane's feet: it takes its steps back, and the receive lane answers."""

import errno
from threading import Thread

import pytest

from dicomhub.intake.segments import read_segment
from scp.express.library import library_path
from tests.scp.conversations import CONTEXTS, series
from tests.scp.express_hook import before_each_fragment
from tests.scp.in_process import lane_of
from tests.scp.pdus import RELEASE_RQ
from tests.scp.run_here import association_with_peer
from tests.support.failing_calls import fail_from_now_on
from tests.support.incoming import being_written
from tests.support.scp_process import HANG_SECONDS

pytestmark = pytest.mark.skipif(
    not library_path().exists(), reason="the express lane is not built (make express)"
)
OUT_OF_RESOURCES = 0xA700


def statuses_of_six(lane, *, failing, error):
    """Send a series of six; from the third on, which is the express lane's, a system call fails."""
    is_failing = False

    def fail():
        nonlocal is_failing
        if not is_failing:
            is_failing = True
            fail_from_now_on(failing, error)

    before_each_fragment(lane, fail)
    with association_with_peer(lane) as (association, peer):
        serving = Thread(target=association.run)
        serving.start()
        peer.associate(*CONTEXTS)
        peer.send(series(6) + RELEASE_RQ)
        statuses = [peer.status()[0] for _ in range(6)]
        assert peer.read() == (6, bytes(4))
    serving.join(HANG_SECONDS)
    return statuses, association._record._express_instances


def check_that_stored_is_what_was_answered(lane, number):
    root = lane.intake.store.root
    archived = {path.stem for path in root.glob("default/*/*/*.dcm")}
    named = [
        instance.sop_instance_uid
        for path in (root / "journal").iterdir()
        for instance in read_segment(path).batch.instances
    ]
    assert len(archived) == len(named) == number
    assert archived == set(named)
    assert being_written(root) == []


@pytest.mark.parametrize("failing", ["fdatasync", "fsync"])
def test_what_cannot_be_synced_is_not_stored(tmp_path, failing):
    """fdatasync: an instance's own bytes; fsync: its name in the folder of its series."""
    lane = lane_of(tmp_path, has_express=True, SCP_DURABILITY="power")
    statuses, express = statuses_of_six(lane, failing=failing, error=errno.EIO)
    assert (statuses, express) == ([0, 0] + [OUT_OF_RESOURCES] * 4, 0)
    check_that_stored_is_what_was_answered(lane, 2)


@pytest.mark.parametrize("error", [errno.ENOSYS, errno.EINVAL], ids=["kernel", "file system"])
def test_where_files_cannot_be_renamed_without_replacing_they_are_linked(tmp_path, error):
    lane = lane_of(tmp_path, has_express=True)
    assert statuses_of_six(lane, failing="renameat2", error=error) == ([0] * 6, 4)
    check_that_stored_is_what_was_answered(lane, 6)
