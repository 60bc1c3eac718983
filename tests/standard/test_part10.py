from io import BytesIO
from struct import pack

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomhub.standard.part10 import FileMeta, Part10Malformed, file_header, read_file_meta
from dicomhub.standard.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN
from dicomhub.standard.uid import IMPLEMENTATION_CLASS_UID
from tests.standard.building import EXPLICIT
from tests.standard.reading import is_part10, part10_files, quietly
from tests.support.samples import sample_files

UIDS = {
    "sop_class_uid": "1.2.840.10008.5.1.4.1.1.2",
    "sop_instance_uid": "1.2.3.4",
    "transfer_syntax_uid": EXPLICIT_VR_LITTLE_ENDIAN,
}


@pytest.mark.parametrize("source_ae_title", ["", "CT1", "SCANNER ROOM 12B"])
def test_pydicom_reads_our_header(source_ae_title):
    header = file_header(**UIDS, source_ae_title=source_ae_title)
    read = pydicom.dcmread(BytesIO(header + EXPLICIT.element(0x00100020, "LO", b"12")))
    assert read.PatientID == "12"
    assert read.file_meta.MediaStorageSOPClassUID == UIDS["sop_class_uid"]
    assert read.file_meta.MediaStorageSOPInstanceUID == UIDS["sop_instance_uid"]
    assert read.file_meta.TransferSyntaxUID == UIDS["transfer_syntax_uid"]
    assert read.file_meta.ImplementationClassUID == IMPLEMENTATION_CLASS_UID
    assert read.file_meta.FileMetaInformationVersion == b"\0\1"
    assert read.file_meta.get("SourceApplicationEntityTitle", "") == source_ae_title
    # From the end of its own element, (0002,0000), to the data set. PS3.10 7.1.
    assert read.file_meta.FileMetaInformationGroupLength == len(header) - 132 - 12


def test_we_read_our_header():
    header = file_header(**UIDS)
    assert len(header) % 2 == 0
    assert read_file_meta(memoryview(header + b"data set")) == FileMeta(
        media_storage_sop_class_uid=UIDS["sop_class_uid"],
        media_storage_sop_instance_uid=UIDS["sop_instance_uid"],
        transfer_syntax_uid=UIDS["transfer_syntax_uid"],
        data_set_offset=len(header),
    )


@pytest.mark.parametrize("path", part10_files(), ids=lambda path: path.name)
def test_the_header_of_a_sample_file_says_what_pydicom_finds(path):
    meta = read_file_meta(path.read_bytes())
    with quietly():
        theirs = pydicom.filereader.read_file_meta_info(path)
    assert meta.media_storage_sop_class_uid == theirs.get("MediaStorageSOPClassUID", "")
    assert meta.media_storage_sop_instance_uid == theirs.get("MediaStorageSOPInstanceUID", "")
    assert meta.transfer_syntax_uid == theirs.TransferSyntaxUID


def test_a_wrong_group_length_misleads_nobody():
    header = file_header(**UIDS)
    at = header.index(pack("<HH2sH", 2, 0, b"UL", 4)) + 8
    wrong = header[:at] + pack("<I", 7) + header[at + 4 :]
    assert read_file_meta(wrong) == read_file_meta(header)


def test_files_without_header_are_told_by_their_bytes():
    names = {path.name for path in sample_files() if path.suffix == ".dcm" and not is_part10(path)}
    assert {"no_meta.dcm", "ExplVR_LitEndNoMeta.dcm", "meta_missing_tsyntax.dcm"} <= names


@pytest.mark.parametrize(
    "data",
    [b"", b"DICM", bytes(132), bytes(128) + b"DICM", file_header(**UIDS)[:200], b"PK\3\4" + bytes(200)],
    ids=["nothing", "prefix alone", "no prefix", "no meta", "cut short", "a ZIP"],
)
def test_what_is_no_file_is_malformed(data):
    with pytest.raises(Part10Malformed):
        read_file_meta(data)


@given(tail=st.binary(max_size=300), kept=st.integers(132, len(file_header(**UIDS))))
def test_any_bytes_behind_the_prefix_are_a_header_or_malformed(tail, kept):
    data = file_header(**UIDS)[:kept] + tail
    try:
        meta = read_file_meta(data)
    except Part10Malformed:
        return
    assert 132 < meta.data_set_offset <= len(data)
