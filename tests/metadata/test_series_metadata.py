import gzip
import json
import os
from dataclasses import replace

import pydicom
import pytest

from dicomhub.intake.door import Intake
from dicomhub.metadata.instance_model import BULK_DATA_BASE
from dicomhub.metadata.manifest import read_manifest
from dicomhub.metadata.pages import join, pack, read_text, unpack
from dicomhub.metadata.seal import SEAL_BYTES
from dicomhub.metadata.series import build_series, read_first_instance, read_series, write_series
from dicomhub.metadata.study import read_study, write_study
from dicomhub.storage.layout import SeriesKey, series_manifest_path, series_metadata_path
from tests.support.receiving import data_set_of, receive
from tests.support.samples import sample, sample_files

CT = sample("CT_small.dcm")


@pytest.fixture
def intake(environment):
    return Intake.open(environment, owner="test")


def series_files():
    """The sample files of the largest series that pydicom's media directory has."""
    by_series = {}
    for path in sample_files():
        if "dicomdirtests" in path.parts and path.name != "README" and "DICOMDIR" not in path.name:
            data_set = pydicom.dcmread(path, stop_before_pixels=True)
            by_series.setdefault(data_set.SeriesInstanceUID, []).append(path)
    return max(by_series.values(), key=len)


@pytest.fixture(scope="module")
def paths():
    return series_files()


def key_of(archived):
    stored = archived.instance
    return SeriesKey(stored.tenant, stored.study_instance_uid, stored.series_instance_uid)


def uids(metadata):
    return [json.loads(line)["00080018"]["Value"][0] for line in metadata.lines]


def test_a_series_has_a_line_for_each_instance_in_the_order_of_their_numbers(intake, paths):
    archived = [receive(intake, path) for path in reversed(paths)]
    built = build_series(intake.store, key_of(archived[0]), received=[one.instance for one in archived])
    numbers = [json.loads(line)["00200013"]["Value"][0] for line in built.lines]
    assert len(numbers) == len(paths)
    assert numbers == sorted(numbers)
    by_uid = {one.instance.sop_instance_uid: one.instance for one in archived}
    for uid, entry in zip(uids(built), built.entries, strict=True):
        record = by_uid[uid]
        assert (entry.sop_instance_uid, entry.digest, entry.size_bytes, entry.source) == (
            uid,
            record.digest,
            record.size_bytes,
            "dimse",
        )
        assert entry.received_at == record.received_at


def test_a_document_is_a_json_array_in_gzip_and_its_manifest_names_the_same(intake, paths):
    archived = [receive(intake, path) for path in paths]
    key = key_of(archived[0])
    write_series(intake.store, key, build_series(intake.store, key), revision=3)
    document = intake.store.read_document(series_metadata_path(*_parts(key)))
    models = json.loads(gzip.decompress(document))
    manifest = read_manifest(intake.store, key)
    assert [model["00080018"]["Value"][0] for model in models] == [
        entry.sop_instance_uid for entry in manifest.instances
    ]
    assert manifest.revision == 3


def _parts(key):
    return key.tenant, key.study_instance_uid, key.series_instance_uid


def test_without_the_intakes_record_digest_and_time_come_from_the_file(intake):
    archived = receive(intake, CT)
    [entry] = build_series(intake.store, key_of(archived)).entries
    assert entry.digest == archived.instance.digest
    assert entry.transfer_syntax_uid == archived.instance.transfer_syntax_uid


def test_what_has_not_changed_is_not_read_again(intake, paths):
    archived = [receive(intake, path) for path in paths]
    key = key_of(archived[0])
    write_series(intake.store, key, build_series(intake.store, key), revision=1)
    before = build_series(intake.store, key)
    # A file whose size and time are as the manifest says is taken as known, whatever is in it now.
    path = intake.store.absolute(archived[0].instance.path)
    status = path.stat()
    path.write_bytes(b"\0" * status.st_size)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert build_series(intake.store, key) == before


def test_a_replaced_file_is_read_again(intake):
    key = key_of(receive(intake, CT))
    write_series(intake.store, key, build_series(intake.store, key), revision=1)
    data_set = pydicom.dcmread(CT)
    data_set.PatientName = "Changed^Name"
    changed = intake.store.root / "changed.dcm"
    data_set.save_as(changed)
    receive(intake, changed)
    [line] = build_series(intake.store, key).lines
    assert json.loads(line)["00100010"]["Value"][0]["Alphabetic"] == "Changed^Name"


def test_of_several_received_under_one_uid_the_file_says_which_it_is(intake):
    """Other bytes of the same length, archived before the first ones were documented."""
    first = receive(intake, CT)
    changed = data_set_of(CT).replace(b"CompressedSamples", b"CompressedSampleZ")
    second = receive(intake, CT, data_set=changed)
    key = key_of(first)
    early = build_series(intake.store, key, received=[first.instance])
    write_series(intake.store, key, early, revision=1)
    both = build_series(intake.store, key, received=[first.instance, second.instance])
    assert [entry.digest for entry in both.entries] == [second.instance.digest]
    write_series(intake.store, key, both, revision=2)
    late = build_series(intake.store, key, received=[second.instance])
    assert [entry.digest for entry in late.entries] == [second.instance.digest]


def test_a_file_that_was_damaged_on_the_disk_keeps_no_other_back(intake, paths):
    archived = [receive(intake, path) for path in paths[:3]]
    intake.store.absolute(archived[0].instance.path).write_bytes(b"")
    built = build_series(intake.store, key_of(archived[0]))
    assert len(built.lines) == 2


def test_a_file_whose_name_is_no_uid_keeps_no_other_back(intake):
    archived = receive(intake, CT)
    path = intake.store.absolute(archived.instance.path)
    path.with_name("copy of an instance.dcm").write_bytes(path.read_bytes())
    key = key_of(archived)
    assert uids(build_series(intake.store, key)) == [archived.instance.sop_instance_uid]
    path.unlink()
    assert read_first_instance(intake.store, key, is_fresh=False) is None


def test_stale_documents_are_passed_over_and_the_files_read_instead(intake, paths):
    first = receive(intake, paths[0])
    key = key_of(first)
    write_series(intake.store, key, build_series(intake.store, key), revision=1)
    for path in paths[1:]:
        receive(intake, path)
    assert len(read_series(intake.store, key, is_fresh=False).lines) == len(paths)


@pytest.mark.parametrize("damage", ["missing", "cut short", "of another revision"])
@pytest.mark.parametrize("which", [series_metadata_path, series_manifest_path])
def test_documents_that_are_fresh_but_damaged_are_made_from_the_files(intake, paths, damage, which):
    archived = [receive(intake, path) for path in paths]
    key = key_of(archived[0])
    built = build_series(intake.store, key)
    write_series(intake.store, key, built, revision=1)
    path = intake.store.absolute(which(*_parts(key)))
    if damage == "missing":
        path.unlink()
    elif damage == "cut short":
        path.write_bytes(path.read_bytes()[:-40])
    else:
        whole = path.read_bytes()
        write_series(
            intake.store, key, replace(built, lines=built.lines[1:], entries=built.entries[1:]), revision=0
        )
        path.write_bytes(whole)
    assert read_series(intake.store, key, is_fresh=True).lines == built.lines


def test_bulk_data_is_addressed_below_a_base_that_the_service_fills_in(intake):
    key = key_of(receive(intake, CT))
    [line] = build_series(intake.store, key).lines
    uri = json.loads(line)["7FE00010"]["BulkDataURI"]
    assert uri.startswith(f"{BULK_DATA_BASE}/studies/{key.study_instance_uid}/series/")
    assert uri.endswith("/bulkdata/7FE00010")


def test_a_study_is_the_documents_of_its_series_in_their_order(intake):
    folder = sample("4919").parent.parent  # a patient with several studies of one or more series
    by_study = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            key = key_of(receive(intake, path))
            by_study.setdefault(key.study_instance_uid, {})[key] = None
    keys = list(max(by_study.values(), key=len))
    assert len(keys) > 1
    for key in keys:
        write_series(intake.store, key, build_series(intake.store, key), revision=1)
    tenant, study = keys[0].tenant, keys[0].study_instance_uid
    write_study(intake.store, tenant, study, series=[key.series_instance_uid for key in keys])
    series = [(key.series_instance_uid, True) for key in keys]
    together = [line for key in keys for line in read_series(intake.store, key, is_fresh=True).lines]
    for is_fresh in (True, False):
        assert list(read_study(intake.store, tenant, study, series=series, is_fresh=is_fresh)) == together


def test_lines_survive_packing_and_joining():
    for lines in ([], [b"{}"], [b'{"a":1}', b'{"b":2}']):
        assert list(unpack(pack(lines))) == lines
    documents = [pack([b"{}"]), pack([]), pack([b'{"a":1}', b"{}"])]
    assert list(unpack(join(documents))) == [b"{}", b'{"a":1}', b"{}"]
    assert json.loads(gzip.decompress(join(documents))) == [{}, {"a": 1}, {}]
    assert json.loads(gzip.decompress(join([]))) == []


def test_the_text_of_a_document_is_read_in_blocks_unless_it_is_damaged(tmp_path):
    path = tmp_path / "document"
    lines = [b'{"number":%d,"text":"%s"}' % (number, b"x" * 2000) for number in range(500)]
    whole = join([pack(lines[:200]), pack([]), pack(lines[200:])])
    path.write_bytes(whole)
    blocks = list(read_text(path))
    assert json.loads(b"".join(blocks)) == [json.loads(line) for line in lines]
    assert max(map(len, blocks)) < sum(map(len, blocks)) / 3
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    for damaged in (whole[:-1], whole + b"\0", bytes(flipped), pack([]), b"x"):
        path.write_bytes(damaged)
        assert read_text(path) is None


def test_documents_from_before_there_were_seals_are_read_and_joined(tmp_path):
    documents = [pack([b"{}"]), pack([b'{"a":1}'])]
    earlier = documents[0][:-SEAL_BYTES]
    assert list(unpack(earlier)) == [b"{}"]
    (tmp_path / "document").write_bytes(earlier)
    assert read_text(tmp_path / "document") is None
    assert join([earlier, documents[1]]) == join(documents)


def test_an_archived_file_that_breaks_off_is_described_up_to_there(intake):
    path = sample("MR_truncated.dcm")
    archived = receive(intake, path)
    [line] = build_series(intake.store, key_of(archived)).lines
    model = json.loads(line)
    assert model["00080018"]["Value"] == [archived.instance.sop_instance_uid]
    assert model["00280010"]["Value"] == [64]
    assert "7FE00010" not in model


def test_an_archived_file_of_garbage_behind_its_head_is_still_found(intake):
    data_set = data_set_of(CT)
    end_of_head = data_set.index(b"\x20\x00\x10\x00")  # (0020,0010) Study ID
    archived = receive(intake, CT, data_set=data_set[:end_of_head] + b"\x21\x00\x00\x00SQ" + b"\xfe" * 500)
    [line] = build_series(intake.store, key_of(archived)).lines
    assert json.loads(line)["0020000D"]["Value"] == [archived.instance.study_instance_uid]
