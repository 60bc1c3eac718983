"""The journal, its writers and those who take over from them."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from dicomhub.intake.door import Intake
from dicomhub.intake.journal import CUT, NEW, OPEN, settle
from dicomhub.intake.reconcile import reconcile
from dicomhub.intake.segments import (
    claimed,
    cut_orphan,
    cut_segments,
    mark_published,
    orphaned_segments,
    published_segments,
    read_segment,
    remove_stillborn,
)
from dicomhub.storage.layout import JOURNAL
from tasks.messages import MessageMalformed
from tests.support.receiving import receive
from tests.support.samples import sample
from tests.support.waiting import wait_until

CT, MR = sample("CT_small.dcm"), sample("MR_small.dcm")

RECEIVE_AND_WAIT = """
import sys
from pathlib import Path
from dicomhub.environment import read_environment
from dicomhub.intake.door import Intake
from tests.support.receiving import receive
intake = Intake.open(read_environment(
    {"DICOMHUB_HOME": sys.argv[1], "STORE_RESERVE_BYTES": "0", "BATCH_MAX_SECONDS": "3600"}
), owner="dying")
for name in sys.argv[2:]:
    receive(intake, Path(name))
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def journal(store):
    return store.absolute(JOURNAL)


@pytest.fixture
def abandoned(environment, journal):
    """A segment whose writer was killed with instances in it that nobody has cut."""
    home = str(environment.home)
    writer = subprocess.Popen(
        [sys.executable, "-c", RECEIVE_AND_WAIT, home, str(CT), str(MR)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert writer.stdout.readline() == b"ready\n"
    with orphaned_segments(journal) as orphans:
        assert orphans == [], "its writer lives"
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    writer.stdin.close()
    writer.stdout.close()
    [path] = journal.glob(f"*{OPEN}")
    return path


def intake_with(environment, **settings):
    from dataclasses import replace

    return Intake.open(replace(environment, intake=replace(environment.intake, **settings)), owner="test")


def test_a_batch_is_cut_when_it_is_full(environment, journal):
    intake = intake_with(environment, batch_max_instances=2)
    receive(intake, CT)
    assert cut_segments(journal) == []
    receive(intake, MR)
    [segment] = cut_segments(journal)
    assert len(read_segment(segment).batch.instances) == 2
    assert intake.next_deadline() is None


def test_a_batch_is_cut_when_it_is_old(environment, journal):
    began_at = time.monotonic()
    intake = intake_with(environment, batch_max_seconds=0.05)
    receive(intake, CT)
    while (deadline := intake.next_deadline()) is not None:
        is_due = time.monotonic() >= deadline
        assert intake.cut_if_due() or not is_due
    assert time.monotonic() - began_at >= 0.05
    assert len(cut_segments(journal)) == 1


def test_a_batch_is_cut_when_its_writer_says_so(environment, journal):
    intake = intake_with(environment)
    assert intake.cut() is False
    receive(intake, CT)
    assert intake.cut() is True
    assert intake.cut() is False
    assert len(cut_segments(journal)) == 1


def test_the_journal_is_synced_within_a_second_of_a_line(environment):
    intake = intake_with(environment)

    def is_about_to_be_synced():
        receive(intake, CT)  # one that comes late is synced at once
        return intake.next_deadline() <= time.monotonic() + 1.0

    wait_until(is_about_to_be_synced, what="a line waits for its sync")


def test_a_segment_of_a_killed_writer_is_an_orphan_with_all_its_instances(abandoned, journal):
    with orphaned_segments(journal) as orphans:
        assert orphans == [abandoned]
        with orphaned_segments(journal) as claimed_already:
            assert claimed_already == []
    cut_orphan(abandoned)
    [segment] = cut_segments(journal)
    assert len(read_segment(segment).batch.instances) == 2


def test_a_line_that_was_cut_short_is_left_out(abandoned):
    with abandoned.open("ab") as file:
        file.write(b'{"tenant":"defau')
    assert len(read_segment(abandoned).batch.instances) == 2


def test_a_damaged_line_does_not_hold_up_the_others(abandoned):
    header, first, second = abandoned.read_bytes().splitlines()
    abandoned.write_bytes(b"\n".join([header, b"\0" * 20, second, b""]))
    segment = read_segment(abandoned)
    assert (len(segment.batch.instances), segment.damaged_lines) == (1, 1)
    assert first


def test_a_segment_without_a_header_is_malformed(journal):
    journal.mkdir(exist_ok=True)
    (journal / f"x{CUT}").write_bytes(b"")
    with pytest.raises(MessageMalformed):
        read_segment(journal / f"x{CUT}")


def test_settling_removes_a_segment_wherever_it_stands(environment, journal):
    intake = intake_with(environment)
    for publish in (True, False):
        receive(intake, CT)
        intake.cut()
        [segment] = cut_segments(journal)
        if publish:
            mark_published(segment)
            assert len(published_segments(journal)) == 1
        settle(journal, segment.stem)
        settle(journal, segment.stem)
        assert list(journal.iterdir()) == []


def test_only_one_claims_a_segment(environment, journal):
    intake = intake_with(environment)
    receive(intake, CT)
    intake.cut()
    [segment] = cut_segments(journal)
    with claimed(segment) as first, claimed(segment) as second:
        assert (first, second) == (True, False)
    with claimed(segment) as again:
        assert again
    segment.unlink()
    with claimed(segment) as gone:
        assert not gone


def forget_lines(segment, *, kept):
    """As a power failure leaves it: of another boot, and the newest lines never reached the disk."""
    header, *lines = segment.read_bytes().splitlines()
    old = json.loads(header) | {"boot_id": "another"}
    mtime = segment.stat().st_mtime
    segment.write_bytes(b"".join(line + b"\n" for line in [json.dumps(old).encode(), *lines[:kept]]))
    os.utime(segment, (mtime, mtime))


def test_after_a_power_failure_archived_files_that_no_journal_names_are_journalled(store, abandoned, journal):
    paths = {instance.path for instance in read_segment(abandoned).batch.instances}
    forget_lines(abandoned, kept=1)
    with orphaned_segments(journal) as orphans:
        assert reconcile(store, orphans) == 1
    segments = [abandoned, *cut_segments(journal)]
    assert {i.path for path in segments for i in read_segment(path).batch.instances} == paths


def test_a_killed_process_alone_is_no_reason_to_look_through_the_store(store, abandoned, journal):
    with orphaned_segments(journal) as orphans:
        assert reconcile(store, orphans) == 0
    assert [path.suffix for path in journal.iterdir()] == [OPEN]


def test_no_segment_is_taken_for_an_orphan_while_its_writer_lives(environment, journal):
    """Others look at the journal while it is being written, also at the moment when a segment begins."""
    intake = intake_with(environment, batch_max_instances=1, durability="process")
    stored = receive(intake, CT).instance
    taken = []
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(lambda: [intake.journal.append(stored) for _ in range(2000)])
        while not writing.done():
            with orphaned_segments(journal) as orphans:
                taken += orphans
        writing.result()
    assert taken == []
    assert len(cut_segments(journal)) == 2001


def test_a_segment_of_another_host_is_left_to_it_for_a_while(abandoned, journal):
    header, *lines = abandoned.read_bytes().splitlines()
    foreign = json.dumps(json.loads(header) | {"host": "elsewhere"}).encode()
    abandoned.write_bytes(b"".join(line + b"\n" for line in [foreign, *lines]))
    with orphaned_segments(journal) as orphans:
        assert orphans == []
    then = time.time() - 7200
    os.utime(abandoned, (then, then))
    with orphaned_segments(journal) as orphans:
        assert orphans == [abandoned]


def test_a_segment_of_another_version_is_malformed(abandoned):
    header, *lines = abandoned.read_bytes().splitlines()
    newer = json.dumps(json.loads(header) | {"schema_version": 99}).encode()
    abandoned.write_bytes(b"".join(line + b"\n" for line in [newer, *lines]))
    with pytest.raises(MessageMalformed, match="schema version 99"):
        read_segment(abandoned)


def test_what_died_before_it_was_open_is_removed(journal):
    journal.mkdir(exist_ok=True)
    path = journal / f"stillborn{NEW}"
    path.touch()
    remove_stillborn(journal)
    assert path.exists(), "it may be about to be opened"
    then = time.time() - 3600
    os.utime(path, (then, then))
    remove_stillborn(journal)
    assert not path.exists()
