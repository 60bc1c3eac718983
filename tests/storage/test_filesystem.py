import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from dicomhub.standard.part10 import file_header
from dicomhub.storage import digest as digests
from dicomhub.storage import incoming as incoming_module
from dicomhub.storage.digest import DataSetDigest, digest_of_file
from dicomhub.storage.filesystem import ArchiveOutcome, DuplicateInstance, open_store
from dicomhub.storage.incoming import IOV_MAX, incoming_files, remove_orphans
from dicomhub.storage.layout import INCOMING, instance_path
from tests.support.incoming import being_written

PATH = instance_path("default", "1.2", "1.2.3", "1.2.3.4")
HEADER = file_header(
    sop_class_uid="1.2.3", sop_instance_uid="1.2.3.4", transfer_syntax_uid="1.2.840.10008.1.2"
)


def written(store, data_set):
    incoming = store.create_incoming()
    incoming.write([HEADER, data_set])
    return incoming


def digest(data_set):
    value = DataSetDigest()
    value.update(data_set)
    return str(value)


def archive(store, data_set, *, replace=True):
    return store.archive(written(store, data_set), PATH, digest=digest(data_set), replace=replace)


def test_an_archived_file_is_the_header_and_the_bytes_received(store):
    assert archive(store, b"data") is ArchiveOutcome.ARCHIVED
    assert store.absolute(PATH).read_bytes() == HEADER + b"data"
    assert being_written(store.root) == []


@pytest.mark.parametrize(("durability", "synced_at"), [("power", [2, 4, 5]), ("process", [])])
def test_a_file_that_is_to_be_synced_is_synced_as_it_grows(environment, monkeypatch, durability, synced_at):
    synced = []
    fdatasync = os.fdatasync

    def notice(descriptor):
        synced.append(os.fstat(descriptor).st_size)
        fdatasync(descriptor)

    monkeypatch.setattr(os, "fdatasync", notice)
    monkeypatch.setattr(incoming_module, "SYNC_BYTES", 2 * len(HEADER))
    environment = replace(environment, intake=replace(environment.intake, durability=durability))
    store = open_store(environment)
    incoming = store.create_incoming()
    for _ in range(5):
        incoming.write([HEADER])
    store.archive(incoming, PATH, digest=digest(HEADER * 4), replace=True)
    assert synced == [times * len(HEADER) for times in synced_at]


@pytest.mark.parametrize("durability", ["power", "process"])
def test_both_durabilities_archive(environment, durability):
    environment = replace(environment, intake=replace(environment.intake, durability=durability))
    store = open_store(environment)
    assert archive(store, b"data") is ArchiveOutcome.ARCHIVED
    assert archive(store, b"other") is ArchiveOutcome.REPLACED


def test_the_same_bytes_again_change_nothing(store):
    archive(store, b"data")
    before = store.absolute(PATH).stat()
    assert archive(store, b"data") is ArchiveOutcome.ALREADY_THERE
    after = store.absolute(PATH).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert being_written(store.root) == []


def test_other_bytes_are_served_and_the_earlier_ones_kept(store):
    for data_set in (b"one", b"two", b"three", b"one"):
        archive(store, data_set)
    assert store.absolute(PATH).read_bytes() == HEADER + b"one"
    versions = store.absolute("versions/default/1.2/1.2.3/1.2.3.4")
    assert {path.read_bytes() for path in versions.iterdir()} == {
        HEADER + b"one",
        HEADER + b"two",
        HEADER + b"three",
    }


def test_other_bytes_are_refused_where_the_policy_is_to_reject(store):
    archive(store, b"one")
    incoming = written(store, b"two")
    with pytest.raises(DuplicateInstance):
        store.archive(incoming, PATH, digest=digest(b"two"), replace=False)
    incoming.discard()
    assert store.absolute(PATH).read_bytes() == HEADER + b"one"
    assert being_written(store.root) == []


def test_of_many_senders_of_one_instance_no_bytes_are_lost(store):
    data_sets = [b"%d" % number for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda data_set: archive(store, data_set), data_sets))
    assert outcomes.count(ArchiveOutcome.ARCHIVED) == 1
    versions = store.absolute("versions/default/1.2/1.2.3/1.2.3.4").iterdir()
    kept = {path.read_bytes() for path in versions} | {store.absolute(PATH).read_bytes()}
    assert kept == {HEADER + data_set for data_set in data_sets}


def test_a_long_look_at_a_duplicate_shows_life_and_keeps_nobody_waiting(environment, monkeypatch):
    monkeypatch.setattr(digests, "STRETCH_BYTES", 10)
    other_path = instance_path("default", "1.2", "1.2.3", "2")
    beats = []

    def beat():
        if not beats:
            other = open_store(environment)
            other.archive(written(other, b"other"), other_path, digest=digest(b"other"), replace=False)
        beats.append(time.monotonic())

    store = open_store(environment, beat=beat)
    data_set = b"d" * 45
    for outcome in (ArchiveOutcome.ARCHIVED, ArchiveOutcome.ALREADY_THERE):
        incoming = written(store, data_set)
        assert store.archive(incoming, PATH, digest=digest(data_set), replace=True) is outcome
    assert len(beats) == 5
    assert store.absolute(other_path).exists()


@pytest.mark.parametrize("others", [b"one", b"three", None])
def test_what_becomes_of_the_name_while_a_duplicate_is_looked_at_is_not_overlooked(environment, others):
    """The archived file is replaced by another one, with the same bytes or others, or deleted."""
    is_first = True

    def beat():
        nonlocal is_first
        if not is_first:
            return
        is_first = False
        store.absolute(PATH).unlink()
        if others is not None:
            archive(open_store(environment), others)

    archive(open_store(environment), b"one")
    store = open_store(environment, beat=beat)
    outcome = archive(store, b"two")
    assert outcome is (ArchiveOutcome.ARCHIVED if others is None else ArchiveOutcome.REPLACED)
    assert store.absolute(PATH).read_bytes() == HEADER + b"two"
    versions = store.absolute("versions/default/1.2/1.2.3/1.2.3.4")
    kept = {version.read_bytes() for version in versions.iterdir()} if versions.is_dir() else set()
    assert kept == ({HEADER + others} if others is not None else set())


def test_more_buffers_than_one_system_call_takes_are_written_in_order(store):
    pieces = [bytes([number % 256]) * 3 for number in range(2 * IOV_MAX + 7)]
    incoming = store.create_incoming()
    incoming.write(pieces)
    assert incoming.path.read_bytes() == b"".join(pieces)
    assert incoming.size_bytes == 3 * len(pieces)
    incoming.discard()


def test_the_digest_of_a_file_leaves_its_header_out(store):
    archive(store, b"data")
    with store.absolute(PATH).open("rb") as file:
        assert digest_of_file(file.fileno()) == digest(b"data")


def test_the_extent_of_a_series_is_counted_from_its_folder(store):
    archive(store, b"data")
    extent = store.series_extent("default", "1.2", "1.2.3")
    assert (extent.number_of_instances, extent.size_bytes) == (1, len(HEADER) + 4)
    assert store.series_extent("default", "1.2", "9").number_of_instances == 0


def test_a_reader_of_a_document_sees_the_old_one_or_the_new_one(store):
    store.write_document("metadata/default/1.2.json.gz", b"old" * 1000)
    with store.absolute("metadata/default/1.2.json.gz").open("rb") as reader:
        store.write_document("metadata/default/1.2.json.gz", b"new")
        assert reader.read() == b"old" * 1000
    assert store.read_document("metadata/default/1.2.json.gz") == b"new"


def test_only_incoming_files_whose_writer_is_gone_are_removed(store):
    script = (
        "import os, sys; from pathlib import Path; from dicomhub.storage.incoming import IncomingFile\n"
        "IncomingFile(Path(sys.argv[1])); os._exit(9)"
    )
    folder = store.absolute(INCOMING)
    living = store.create_incoming()
    subprocess.run([sys.executable, "-c", script, str(living.path.parent)], check=False)
    an_hour_ago = time.time() - 3600
    for path in incoming_files(folder):
        os.utime(path, (an_hour_ago, an_hour_ago))
    assert remove_orphans(folder) == 1
    assert list(incoming_files(folder)) == [living.path]
    living.discard()


def test_a_file_that_is_deleted_while_its_series_is_listed_is_not_there(environment):
    store = open_store(environment)
    archive(store, b"one")
    # Listed by its folder, and gone when it is looked at: as one that is deleted in between.
    store.absolute(instance_path("default", "1.2", "1.2.3", "1.2.3.5")).symlink_to("gone")
    assert [file.path for file in store.instance_files("default", "1.2", "1.2.3")] == [PATH]
