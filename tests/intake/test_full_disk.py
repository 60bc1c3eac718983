"""The door on a disk that is really full: no file, no journal line, and service again when there is room."""

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from dicomhub.environment import read_environment
from dicomhub.intake.door import Intake
from dicomhub.intake.journal import CUT, OPEN
from dicomhub.intake.refusal import OutOfResources
from dicomhub.intake.segments import cut_segments, read_segment
from dicomhub.storage.layout import JOURNAL, QUARANTINE, VERSIONS
from tests.support.ct_series import write_ct_series
from tests.support.incoming import being_written
from tests.support.receiving import begin, data_set_of, receive
from tests.support.small_disk import small_disk

DISK_BYTES = 2 * 1024 * 1024


@pytest.fixture
def disk(tmp_path):
    with small_disk(tmp_path / "disk", size_bytes=DISK_BYTES) as disk:
        yield disk


@pytest.fixture
def paths(tmp_path):
    return write_ct_series(tmp_path / "ct", instances=40, patient_id="FULL", rows=16)


@pytest.fixture(params=["power", "process"])
def environment(request, disk):
    return read_environment(
        {
            "DICOMHUB_HOME": str(disk.path),
            "STORE_ROOT": str(disk.path / "store"),
            "STORE_RESERVE_BYTES": "0",
            "BATCH_MAX_SECONDS": "3600",
            "SCP_DURABILITY": request.param,
        }
    )


@pytest.fixture
def intake(environment):
    intake = Intake.open(environment, owner="full")
    yield intake
    intake.close()


def journalled(intake):
    return sorted(
        instance.path
        for path in intake.store.absolute(JOURNAL).iterdir()
        if path.suffix in {OPEN, CUT}
        for instance in read_segment(path).batch.instances
    )


def archived(intake):
    root = intake.store.root
    return sorted(str(path.relative_to(root)) for path in (root / "default").rglob("*.dcm"))


def open_descriptors():
    return len(os.listdir("/proc/self/fd"))


def whole(stack, intake, path):
    """An instance of which every byte is written, but which is not archived yet."""
    incoming = stack.enter_context(begin(intake, path))
    incoming.write([data_set_of(path)])
    return incoming


def refused(what):
    try:
        what()
    except OutOfResources:
        return True
    return False


def test_until_the_disk_is_full_and_after_it_what_is_archived_is_what_is_journalled(intake, disk, tmp_path):
    big = write_ct_series(tmp_path / "big", instances=30, patient_id="BIG", rows=256)
    before = open_descriptors()
    outcomes = [refused(lambda path=path: receive(intake, path)) for path in big]
    assert outcomes == sorted(outcomes), "once it is full it stays full"
    stored = outcomes.count(False)
    assert 5 < stored < 30
    assert len(archived(intake)) == stored
    assert archived(intake) == journalled(intake)
    assert being_written(intake.store.root) == []
    assert open_descriptors() <= before + 1  # the open segment


def test_the_reserve_is_kept_while_an_instance_grows(tmp_path, paths):
    mib = 1024 * 1024
    with small_disk(tmp_path / "large", size_bytes=200 * mib) as disk:
        settings = {"STORE_ROOT": str(disk.path / "store"), "STORE_RESERVE_BYTES": str(8 * mib)}
        intake = Intake.open(read_environment(settings), owner="full")
        with ExitStack() as stack:
            first, second = (stack.enter_context(begin(intake, path)) for path in paths[:2])
            for _ in range(65):  # the first crosses no reserve, as far as it is looked at
                first.write([bytes(mib)])
            disk.fill(leave_bytes=80 * mib)
            for _ in range(63):
                second.write([bytes(mib)])
            disk.fill(leave_bytes=7 * mib)
            assert refused(lambda: second.write([bytes(mib)]))
            second.discard()
            first.write([bytes(mib)])
        assert being_written(intake.store.root) == []


def test_a_file_whose_header_cannot_be_written_leaves_nothing(intake, disk, paths):
    disk.fill()
    before = open_descriptors()
    for path in paths[:3]:
        assert refused(lambda path=path: begin(intake, path))
    assert being_written(intake.store.root) == []
    assert open_descriptors() == before


def test_a_file_that_cannot_be_made_leaves_nothing(intake, disk, paths):
    disk.use_up_names()
    before = open_descriptors()
    assert refused(lambda: begin(intake, paths[0]))
    assert open_descriptors() == before


def test_who_opens_the_intake_on_a_full_disk_is_refused_until_it_is_not(
    environment, intake, disk, paths, monkeypatch
):
    another_pid = os.getpid() + 1
    monkeypatch.setattr(os, "getpid", lambda: another_pid)
    disk.use_up_names()
    late = Intake.open(environment, owner="late")
    assert refused(lambda: begin(late, paths[0]))
    disk.empty()
    receive(late, paths[0])
    assert archived(late) == journalled(late)
    assert being_written(late.store.root) == []
    late.close()


def test_a_folder_that_cannot_be_made_leaves_nothing(intake, disk, paths):
    with ExitStack() as stack:
        incoming = whole(stack, intake, paths[0])
        disk.use_up_names()
        assert refused(incoming.archive)
    assert being_written(intake.store.root) == journalled(intake) == archived(intake) == []
    disk.empty()
    receive(intake, paths[0])
    assert archived(intake) == journalled(intake)


@pytest.mark.parametrize("how", ["fill", "use_up_names"])
def test_a_segment_that_cannot_be_begun_leaves_no_file(intake, disk, paths, how):
    receive(intake, paths[0])  # makes the folders
    intake.cut()
    with ExitStack() as stack:
        incoming = whole(stack, intake, paths[1])
        if how == "use_up_names":
            disk.use_up_names()
            (disk.path / "name-0").unlink()  # for the archived file, not for the segment
        else:
            disk.fill()
        assert refused(incoming.archive)
        disk.empty()
    assert len(archived(intake)) == 1
    assert archived(intake) == journalled(intake)
    assert being_written(intake.store.root) == []
    assert list(intake.store.absolute(JOURNAL).glob(f"*{OPEN}")) == []
    receive(intake, paths[1])
    assert len(archived(intake)) == 2
    assert archived(intake) == journalled(intake)


def test_a_line_that_does_not_fit_whole_is_taken_back_with_its_file(intake, disk, paths):
    receive(intake, paths[0])  # the segment has its first page now, which is not full
    with ExitStack() as stack:
        waiting = [whole(stack, intake, path) for path in paths[1:]]
        disk.fill()
        outcomes = [refused(incoming.archive) for incoming in waiting]
        assert outcomes.count(False) > 0, "what fits into the last page is archived"
        assert outcomes.count(True) > 0
    assert len(archived(intake)) == 1 + outcomes.count(False)
    assert archived(intake) == journalled(intake)
    [segment] = intake.store.absolute(JOURNAL).iterdir()
    assert segment.read_bytes().endswith(b"\n")
    disk.empty()
    refused_paths = [path for path, was_refused in zip(paths[1:], outcomes, strict=True) if was_refused]
    for path in refused_paths:
        receive(intake, path)
    assert len(archived(intake)) == len(paths)
    assert archived(intake) == journalled(intake)
    assert intake.cut()
    assert len(cut_segments(intake.store.absolute(JOURNAL))) == 1


def test_a_replacement_that_cannot_be_journalled_leaves_the_earlier_bytes_in_their_place(intake, disk, paths):
    stored = receive(intake, paths[0]).instance
    intake.cut()
    changed = data_set_of(paths[0]).replace(b"CompressedSamples", b"CompressedSampleZ")
    with ExitStack() as stack:
        incoming = stack.enter_context(begin(intake, paths[0]))
        incoming.write([changed])
        disk.fill()
        assert refused(incoming.archive)
        disk.empty()
    file = intake.store.absolute(stored.path)
    assert data_set_of(file) == data_set_of(paths[0])
    assert being_written(intake.store.root) == []
    assert journalled(intake) == [stored.path]
    receive(intake, paths[0], data_set=changed)
    assert data_set_of(file) == changed
    [version] = intake.store.absolute(VERSIONS).rglob("*.dcm")
    assert data_set_of(version) == data_set_of(paths[0])
    assert journalled(intake) == [stored.path] * 2


def test_a_quarantine_that_cannot_be_written_changes_no_answer_and_keeps_no_half(intake, disk, paths):
    with ExitStack() as stack:
        incoming = stack.enter_context(begin(intake, paths[0]))
        incoming.write([b"no data set at all"])
        intake.store.absolute(QUARANTINE).mkdir()
        disk.fill()
        with pytest.raises(Exception, match="data set"):
            incoming.archive()
    assert os.listdir(intake.store.absolute(QUARANTINE)) == being_written(intake.store.root) == []


def test_a_segment_that_cannot_be_renamed_is_cut_later_and_fails_nobody(intake, disk, paths):
    receive(intake, paths[0])
    journal = intake.store.absolute(JOURNAL)
    away = journal.with_name("away")
    journal.rename(away)
    assert intake.cut() is False
    away.rename(journal)
    assert intake.cut() is True
    assert len(cut_segments(journal)) == 1


def test_two_senders_of_one_instance_one_of_whom_cannot_journal_it(disk, tmp_path, paths):
    """The one takes its file back: the other must not have answered for that file."""
    environment = read_environment(
        {"DICOMHUB_HOME": str(tmp_path / "home"), "STORE_RESERVE_BYTES": "0", "BATCH_MAX_SECONDS": "3600"}
    )
    intakes = [Intake.open(environment, owner=str(number)) for number in range(2)]
    journal = intakes[0].store.absolute(JOURNAL)
    receive(intakes[1], paths[0])  # has its segment open
    away = journal.with_name("away")
    for path in paths[1:]:
        journal.rename(away)  # now the first can open none
        with ExitStack() as stack, ThreadPoolExecutor() as pool:
            first, second = (whole(stack, intake, path) for intake in intakes)
            first_is_refused = pool.submit(refused, first.archive)
            pool.submit(second.archive).result()
            assert first_is_refused.result()
        away.rename(journal)
    assert len(archived(intakes[1])) == len(paths)
    assert archived(intakes[1]) == journalled(intakes[1])
    for intake in intakes:
        intake.close()
