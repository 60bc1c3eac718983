"""Renditions in the store: of the archived bytes as they are, or not at all."""

import pytest

from dicomhub.standard.part10 import file_header
from dicomhub.storage.digest import DataSetDigest
from dicomhub.storage.layout import instance_path, rendition_path
from dicomhub.storage.renditions import place_rendition
from tests.support.incoming import being_written

NATIVE = "1.2.840.10008.1.2.1"
J2K = "1.2.840.10008.1.2.4.90"
PATH = instance_path("default", "1.2", "1.3", "1.4")
# Its renditions' names begin as those of PATH do.
LONGER = instance_path("default", "1.2", "1.3", "1.4.5")
HEADER = file_header(sop_class_uid="1.2.3", sop_instance_uid="1.4", transfer_syntax_uid=NATIVE)


def archive(store, data_set, path=PATH, **how):
    digest = DataSetDigest()
    digest.update(data_set)
    incoming = store.create_incoming()
    incoming.write([HEADER, data_set])
    return store.archive(incoming, path, digest=str(digest), replace=True, **how)


def place(store, path=PATH, uid=NATIVE, *, is_current=lambda: True):
    incoming = store.create_incoming()
    incoming.write([b"rendition"])
    try:
        return place_rendition(
            store, incoming, archived_path=path, transfer_syntax_uid=uid, is_current=is_current
        )
    finally:
        incoming.discard()


def renditions(store):
    return {str(path.relative_to(store.root)) for path in (store.root / "renditions").rglob("*.dcm")}


def test_a_rendition_lies_beside_the_archive_under_its_transfer_syntax(store):
    archive(store, b"one")
    assert place(store)
    assert renditions(store) == {"renditions/default/1.2/1.3/1.4.1.2.840.10008.1.2.1.dcm"}
    assert place(store), "a second one takes its place"
    assert place(store, uid=J2K), "and so does one in another transfer syntax"
    assert renditions(store) == {"renditions/default/1.2/1.3/1.4.1.2.840.10008.1.2.4.90.dcm"}
    assert being_written(store.root) == []


def test_replacing_an_instance_removes_its_renditions_and_no_others(store):
    for path in (PATH, LONGER):
        archive(store, b"one", path)
        assert place(store, path, J2K)
    archive(store, b"one")
    assert len(renditions(store)) == 2, "the same bytes again change nothing"
    archive(store, b"two")
    assert renditions(store) == {rendition_path(LONGER, J2K)}


def test_a_replacement_that_is_taken_back_leaves_the_renditions(store):
    archive(store, b"one")
    place(store)

    def fail():
        raise OSError

    with pytest.raises(OSError):
        archive(store, b"two", confirm=fail)
    assert renditions(store) == {rendition_path(PATH, NATIVE)}


def test_what_is_no_longer_current_or_gone_gets_no_rendition(store):
    assert not place(store), "there is no such series"
    archive(store, b"one")
    assert not place(store, is_current=lambda: False)

    def gone():
        raise FileNotFoundError

    assert not place(store, is_current=gone)
    assert renditions(store) == set()
    assert being_written(store.root) == []
