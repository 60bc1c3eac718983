"""What leaves the archive, and what does not."""

import fcntl
import threading

import pytest

from dicomhub.storage.deleted import (
    deleted_files,
    locked_deletion,
    open_deletion,
    series_on_disk,
    withdraw_series,
)
from dicomhub.storage.digest import DataSetDigest
from dicomhub.storage.filesystem import ArchiveOutcome
from dicomhub.storage.layout import SeriesKey, instance_path, rendition_path
from dicomhub.storage.lock import directory_lock
from tests.support.file_clock import let_it_move

KEY = SeriesKey("default", "1.2", "1.2.3")
EXPLICIT = "1.2.840.10008.1.2.1"


def store_instance(store, uid, content=b"bytes"):
    digest = DataSetDigest()
    digest.update(content)
    incoming = store.create_incoming()
    incoming.write([content])
    return store.archive(incoming, instance_path(*KEY, uid), digest=str(digest), replace=True)


def withdraw(store, moment, sop_instance_uid=None, deletion_id="one"):
    withdraw_series(store, KEY, deletion_id, began_at_ns=moment, sop_instance_uid=sop_instance_uid)
    return [file.sop_instance_uid for file in deleted_files(store, deletion_id)]


def held(store):
    return [file.sop_instance_uid for file in store.instance_files(*KEY)]


def test_instances_leave_with_versions_and_without_renditions(store):
    for uid in ("1.1", "1.2"):
        store_instance(store, uid)
    rendition = rendition_path(instance_path(*KEY, "1.1"), EXPLICIT)
    store.write_document(rendition, b"rendition")
    versions = store.absolute("versions/default/1.2/1.2.3/1.1")
    versions.mkdir(parents=True)
    (versions / "d.dcm").write_bytes(b"earlier")
    moment = open_deletion(store, "one")
    reader = store.absolute(instance_path(*KEY, "1.1")).open("rb")
    assert withdraw(store, moment, "1.1") == ["1.1"]
    assert held(store) == ["1.2"]
    assert reader.read() == b"bytes"
    reader.close()
    assert not store.absolute(rendition).exists()
    assert store.absolute("deleted/one/versions/default/1.2/1.2.3/1.1/d.dcm").read_bytes() == b"earlier"
    assert withdraw(store, moment) == ["1.1", "1.2"]
    assert (held(store), series_on_disk(store, "default", "1.2")) == ([], [])
    assert withdraw(store, moment) == ["1.1", "1.2"]


@pytest.mark.parametrize("content", [b"bytes", b"other"])
def test_what_is_stored_after_a_deletion_began_is_not_of_it(store, content):
    """It was interrupted, and the instance came again before it was completed: the same bytes, or others."""
    store_instance(store, "1.1")
    store_instance(store, "1.2")
    moment = open_deletion(store, "one")
    let_it_move(store.root)
    outcome = store_instance(store, "1.1", content)
    assert outcome is not ArchiveOutcome.ARCHIVED
    assert withdraw(store, moment) == ["1.2"]
    assert held(store) == ["1.1"]


def test_a_deletion_waits_for_who_is_storing_into_the_series(store):
    store_instance(store, "1.1")
    moment = open_deletion(store, "one")
    thread = threading.Thread(target=withdraw, args=(store, moment))
    with directory_lock(store.absolute(instance_path(*KEY, "1.1")).parent, fcntl.LOCK_SH):
        thread.start()
        thread.join(0.2)
        assert thread.is_alive()
        assert held(store) == ["1.1"]
    thread.join()
    assert held(store) == []


def test_one_process_at_a_time_is_at_a_deletion(store):
    with locked_deletion(store, "one") as first, locked_deletion(store, "one", wait=False) as second:
        assert (first, second) == (True, False)
    with locked_deletion(store, "one", wait=False) as is_ours:
        assert is_ours


def test_a_deletions_id_leads_nowhere_else(store):
    with pytest.raises(ValueError, match="not a deletion's id"):
        open_deletion(store, "../default")
