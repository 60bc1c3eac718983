"""A live SCP on a disk that is really full, under its reserve, or gone."""

import resource

import pytest

from dicomhub.intake.journal import CUT, OPEN
from dicomhub.intake.segments import read_segment
from tests.scp.pdus import (
    COMMAND,
    IMPLICIT,
    LAST,
    VERIFICATION,
    associate_rq,
    c_echo_rq,
    context_item,
    p_data,
    pdv,
)
from tests.scp.raw_peer import RawPeer, data_pdus, data_set_of, store_command
from tests.support.ct_series import write_ct_series
from tests.support.metrics import ScpMetrics
from tests.support.scp_process import is_alive
from tests.support.sending import send
from tests.support.small_disk import small_disk
from tests.support.waiting import wait_until

ECHO = p_data(pdv(c_echo_rq(), context=3, control=COMMAND | LAST))
CONGESTED = (3, b"\0\2\3\1")
OUT_OF_RESOURCES = 0xA700
MIB = 1024 * 1024


@pytest.fixture
def disk(tmp_path):
    with small_disk(tmp_path / "disk", size_bytes=3 * MIB) as disk:
        yield disk


def store(peer, path):
    peer.send(store_command(path) + b"".join(data_pdus(data_set_of(path))))
    return peer.status()[0]


def check_what_was_stored_and_nothing_else_is_there(scp, stored):
    archived = {path.stem: path for path in scp.archived()}
    assert sorted(map(data_set_of, archived.values())) == sorted(map(data_set_of, stored))
    segments = [path for path in (scp.store_root / "journal").iterdir() if path.suffix in {OPEN, CUT}]
    named = [instance for path in segments for instance in read_segment(path).batch.instances]
    assert {instance.sop_instance_uid for instance in named} == set(archived)
    assert len(named) == len(archived)
    assert scp.incoming() == []


@pytest.mark.parametrize("durability", ["power", "process"])
def test_on_a_full_disk_stores_fail_whole_and_the_association_goes_on_when_there_is_room(
    start_scp, disk, tmp_path, durability
):
    scp = start_scp(STORE_ROOT=disk.path / "store", SCP_DURABILITY=durability, BATCH_MAX_SECONDS=0.2)
    metrics = ScpMetrics(scp.home)
    paths = write_ct_series(tmp_path / "ct", instances=40, patient_id="FULL", rows=256)
    small = write_ct_series(tmp_path / "small", instances=5, patient_id="FULL", rows=64)
    with RawPeer(scp).associate_for(paths[0]) as peer:
        statuses = {path: store(peer, path) for path in paths}
        disk.fill()
        statuses |= {path: store(peer, path) for path in small}
        assert set(statuses.values()) == {0, OUT_OF_RESOURCES}
        stored = [path for path, status in statuses.items() if status == 0]
        check_what_was_stored_and_nothing_else_is_there(scp, stored)
        disk.empty()
        stored_before = len(stored)
        stored += [path for path in small if path not in stored and store(peer, path) == 0]
        assert len(stored) > stored_before
        check_what_was_stored_and_nothing_else_is_there(scp, stored)
    answers = len(paths) + len(small) * 2
    wait_until(
        lambda: (
            metrics.value("scp_responses_total", command="C-STORE", status="0000") == len(stored)
            and metrics.value("scp_responses_total", command="C-STORE", status="A700")
            == answers - len(stored)
        ),
        what="every answer is counted",
    )
    wait_until(lambda: metrics.value("journal_segments", state="open") == 0, what="all is cut")


def test_under_the_reserve_associations_are_congested_and_running_stores_out_of_resources(
    start_scp, disk, tmp_path
):
    scp = start_scp(STORE_ROOT=disk.path / "store", STORE_RESERVE_BYTES=1 * MIB)
    metrics = ScpMetrics(scp.home)
    first, second, third = write_ct_series(tmp_path / "ct", instances=3, patient_id="RESERVE", rows=64)
    with RawPeer(scp).associate_for(first) as peer:
        assert store(peer, first) == 0
        disk.fill(leave_bytes=MIB - 65536)
        assert store(peer, second) == OUT_OF_RESOURCES
        with RawPeer(scp) as refused:
            refused.send(associate_rq())
            assert refused.read() == CONGESTED
        with RawPeer(scp).associate(context_item(3, VERIFICATION, IMPLICIT)) as asking:
            asking.send(ECHO)
            assert asking.status() == (0, "")
        disk.empty()
        assert store(peer, second) == 0
    assert [sent.status for sent in send(scp.port, [third])] == [0]
    check_what_was_stored_and_nothing_else_is_there(scp, [first, second, third])
    wait_until(
        lambda: metrics.value("scp_rejections_total", reason="temporary congestion") == 1,
        what="the rejection is counted",
    )


@pytest.mark.parametrize("durability", ["power", "process"])
def test_what_the_journal_has_no_room_for_is_taken_back(start_scp, tmp_path, durability):
    scp = start_scp(
        SCP_DURABILITY=durability,
        SCP_MIN_SPARE_CHILDREN=1,
        SCP_MAX_SPARE_CHILDREN=1,
        SCP_MAX_CHILDREN=1,
        BATCH_MAX_INSTANCES=10_000,
        BATCH_MAX_SECONDS=3600,
    )
    [child] = wait_until(lambda: scp.children("worker"), what="it is there")
    paths = write_ct_series(tmp_path / "ct", instances=120, patient_id="LINES", rows=16)
    with RawPeer(scp).associate_for(paths[0]) as peer:
        assert [store(peer, path) for path in paths[:100]] == [0] * 100
        # Larger than its files are, and than its log is: only the journal cannot grow, but for a line and a half.
        [segment] = [path for path in (scp.store_root / "journal").iterdir() if path.suffix == OPEN]
        line_bytes = segment.stat().st_size // 101
        limits = resource.prlimit(child, resource.RLIMIT_FSIZE)
        limit = segment.stat().st_size + line_bytes * 3 // 2
        resource.prlimit(child, resource.RLIMIT_FSIZE, (limit, limits[1]))
        assert [store(peer, path) for path in paths[100:110]] == [0] + [OUT_OF_RESOURCES] * 9
        check_what_was_stored_and_nothing_else_is_there(scp, paths[:101])
        resource.prlimit(child, resource.RLIMIT_FSIZE, limits)
        assert [store(peer, path) for path in paths[101:]] == [0] * 19
    wait_until(lambda: scp.incoming() == [], what="no file is ready for a next instance")
    check_what_was_stored_and_nothing_else_is_there(scp, paths)


@pytest.mark.parametrize("before", [0, 2], ids=["alone", "in a series"])
def test_one_instance_does_not_grow_through_the_reserve(start_scp, tmp_path, before):
    with small_disk(tmp_path / "disk", size_bytes=80 * MIB) as disk:
        scp = start_scp(STORE_ROOT=disk.path / "store", STORE_RESERVE_BYTES=20 * MIB)
        *paths, path = write_ct_series(tmp_path / "ct", instances=before + 1, patient_id="ENDLESS", rows=16)
        beginning = p_data(pdv(data_set_of(path), control=0))
        mebibyte = p_data(pdv(bytes(64 * 1024), control=0)) * 16
        with RawPeer(scp).associate_for(path) as peer:
            assert [store(peer, path) for path in paths] == [0] * before
            peer.send(store_command(path) + beginning + mebibyte * 70)
            wait_until(lambda: disk.free_bytes > 79 * MIB, what="it is discarded before it ends")
            assert scp.incoming() == []
            peer.send(mebibyte * 100 + p_data(pdv(b"the end")))
            status, comment = peer.status()
            assert status == OUT_OF_RESOURCES
            assert comment.endswith(" MiB free is under the reserve")
            assert store(peer, path) == 0
            check_what_was_stored_and_nothing_else_is_there(scp, [*paths, path])


@pytest.mark.parametrize("before", [0, 2], ids=["alone", "in a series"])
def test_a_full_disk_is_told_however_short_the_fragments_are(start_scp, disk, tmp_path, before):
    scp = start_scp(STORE_ROOT=disk.path / "store", SCP_STALL_SECONDS=3600)
    *paths, path = write_ct_series(tmp_path / "ct", instances=before + 1, patient_id="SHORT", rows=64)
    with RawPeer(scp).associate_for(path) as peer:
        assert [store(peer, path) for path in paths] == [0] * before
        disk.fill()
        data = data_set_of(path)
        for number in (255, 256, 257):  # about as many as are written at a time
            short = [p_data(pdv(data[at : at + 20], control=0)) for at in range(0, 20 * (number - 1), 20)]
            peer.send(store_command(path) + b"".join(short) + p_data(pdv(data[20 * (number - 1) :])))
            assert peer.status()[0] == OUT_OF_RESOURCES
        disk.empty()
        assert store(peer, path) == 0
        check_what_was_stored_and_nothing_else_is_there(scp, [*paths, path])


def test_when_the_folder_of_a_series_cannot_be_made_nothing_is_left(start_scp, disk, tmp_path):
    scp = start_scp(STORE_ROOT=disk.path / "store")
    (path,) = write_ct_series(tmp_path / "ct", instances=1, patient_id="NAMES", rows=16)
    with RawPeer(scp).associate_for(path) as peer:
        peer.send(store_command(path) + data_pdus(data_set_of(path), size=2000)[0])
        wait_until(scp.incoming, what="it has begun")
        disk.use_up_names()
        peer.send(b"".join(data_pdus(data_set_of(path), size=2000)[1:]))
        assert peer.status()[0] == OUT_OF_RESOURCES
        check_what_was_stored_and_nothing_else_is_there(scp, [])
        disk.empty()
        assert store(peer, path) == 0
        check_what_was_stored_and_nothing_else_is_there(scp, [path])


def test_without_a_store_peers_are_refused_and_not_kept_waiting(start_scp):
    scp = start_scp(STORE_ROOT="/dev/null/store")
    wait_until(lambda: scp.log().count("child_failed_at_start") > 3, what="children fail")
    with RawPeer(scp) as peer:
        peer.send(associate_rq())
        assert peer.read() == (3, b"\0\2\3\2")


def test_a_log_on_a_full_disk_costs_lines_and_nothing_else(start_scp, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "scp.log").symlink_to("/dev/full")
    scp = start_scp()
    paths = write_ct_series(tmp_path / "ct", instances=3, patient_id="LOG", rows=16)
    for path in paths:
        assert [sent.status for sent in send(scp.port, [path])] == [0]
    assert len(scp.archived()) == 3
    children = scp.children()
    scp.stop()
    wait_until(lambda: not any(map(is_alive, children)), what="nobody is left")
