import tracemalloc
import zlib

import pydicom
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dicomhub.standard.data_set_head import DataSetHead, DataSetMalformed, read_head
from dicomhub.standard.transfer_syntax import (
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    TRANSFER_SYNTAXES,
    transfer_syntax,
)
from tests.standard.building import BIG_ENDIAN, EXPLICIT, IMPLICIT, NATIVE, UNDEFINED, head
from tests.standard.reading import data_set_of, part10_files, quietly
from tests.support.samples import sample

DEFLATED = transfer_syntax(DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN)
HEAD = DataSetHead(
    sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
    sop_instance_uid="1.2.3.4",
    study_instance_uid="1.2.3",
    series_instance_uid="1.2.3.9",
    patient_id="1234567",
    issuer_of_patient_id="HOSPITAL",
)


def deflated(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


def in_pieces(data, syntax) -> tuple[DataSetHead, int]:
    """The head, and how many bytes it took: fed as a receiver would, one byte more each time."""
    for size in range(len(data)):
        found = read_head(data[:size], syntax, is_whole=False)
        if found is not None:
            return found, size
    found = read_head(data, syntax, is_whole=True)
    assert found is not None
    return found, len(data)


@pytest.mark.parametrize("path", part10_files(), ids=lambda path: path.name)
def test_every_sample_file_has_the_head_that_pydicom_finds(path):
    data_set, syntax = data_set_of(path)
    found = read_head(data_set, syntax, is_whole=True)
    with quietly():
        pydicoms = pydicom.dcmread(path, stop_before_pixels=True)
        expected = DataSetHead(
            sop_class_uid=pydicoms.get("SOPClassUID", ""),
            sop_instance_uid=pydicoms.get("SOPInstanceUID", ""),
            study_instance_uid=pydicoms.get("StudyInstanceUID", ""),
            series_instance_uid=pydicoms.get("SeriesInstanceUID", ""),
            patient_id=pydicoms.get("PatientID", ""),
            issuer_of_patient_id=pydicoms.get("IssuerOfPatientID", ""),
        )
    assert found == expected


@pytest.mark.parametrize("writer", NATIVE, ids=lambda writer: writer.syntax.name)
def test_the_head_needs_no_byte_behind_series_instance_uid(writer):
    data = head(writer)
    assert in_pieces(data + b"whatever comes", writer.syntax) == (HEAD, len(data))


def test_a_deflated_head_is_found_before_the_end_of_the_stream():
    pixels = bytes(range(256)) * 8
    whole = deflated(head(EXPLICIT) + EXPLICIT.element(0x7FE00010, "OW", pixels))
    assert read_head(whole[:10], DEFLATED, is_whole=False) is None
    found, size = in_pieces(whole, DEFLATED)
    assert found == HEAD
    assert size < len(whole)


def test_without_series_instance_uid_the_next_tag_ends_the_search():
    data = EXPLICIT.element(0x00080018, "UI", b"1.2\0") + EXPLICIT.element(0x00200010, "SH", b"1 ")
    found = read_head(data + b"\0", EXPLICIT.syntax, is_whole=False)
    assert found == DataSetHead("", "1.2", "", "", "", "")


def test_of_a_whole_data_set_absent_attributes_are_empty():
    data = EXPLICIT.element(0x00080018, "UI", b"1.2\0")
    assert read_head(data, EXPLICIT.syntax, is_whole=False) is None
    assert read_head(data, EXPLICIT.syntax, is_whole=True) == DataSetHead("", "1.2", "", "", "", "")
    assert read_head(b"", EXPLICIT.syntax, is_whole=True) == DataSetHead("", "", "", "", "", "")


@pytest.mark.parametrize("size", range(1, 8))
def test_a_whole_data_set_that_breaks_off_in_its_head_is_malformed(size):
    data = head(EXPLICIT)[:-size]
    assert read_head(data, EXPLICIT.syntax, is_whole=False) is None
    with pytest.raises(DataSetMalformed):
        read_head(data, EXPLICIT.syntax, is_whole=True)


@pytest.mark.parametrize("writer", NATIVE, ids=lambda writer: writer.syntax.name)
def test_sequences_and_long_values_before_the_uids_are_skipped(writer):
    nested = writer.delimited_sequence(0x00081140, writer.element(0x0020000E, "UI", b"6.6.6\0"))
    before = (
        writer.sequence(0x00101002, nested, nested)
        + writer.delimited_sequence(0x00101002, nested, b"")
        + writer.element(0x00104000, "LT", b"x" * 40_000)
    )
    assert in_pieces(head(writer, before_study=before), writer.syntax)[0] == HEAD


def test_unknown_sequences_of_undefined_length_are_skipped():
    item = IMPLICIT.element(0x0020000E, "UI", b"6.6.6\0")
    unknown = EXPLICIT.delimited_sequence(0x00110010, item, vr="UN")
    assert in_pieces(head(EXPLICIT, before_study=unknown), EXPLICIT.syntax)[0] == HEAD


def test_explicit_vr_in_an_implicit_syntax_is_read_and_the_other_way_round():
    assert read_head(head(EXPLICIT), IMPLICIT.syntax, is_whole=True) == HEAD
    assert read_head(head(IMPLICIT), EXPLICIT.syntax, is_whole=True) == HEAD


@pytest.mark.parametrize(
    ("character_set", "raw", "patient_id"),
    [
        (b"", b"M\xfcller ", "Müller"),
        (b"ISO_IR 192", "Пациент-1".encode() + b" ", "Пациент-1"),
        (b"ISO_IR 144", "Пациент".encode("iso8859_5") + b" ", "Пациент"),
        (b"GB18030 ", "病人7".encode("gb18030") + b" ", "病人7"),
        (b"\\ISO 2022 IR 87 ", b"\x1b$B;3ED\x1b(B-1", "山田-1"),
        (b"ISO 2022 IR 6\\ISO 2022 IR 149", b"\x1b$)C\xb1\xe8-1 ", "김-1"),
        (b"ISO_IR 999", b"\xe4 ", "ä"),
    ],
)
def test_patient_id_is_decoded_by_its_character_set(character_set, raw, patient_id):
    data = head(EXPLICIT, patient_id=raw, character_set=character_set)
    found = read_head(data, EXPLICIT.syntax, is_whole=True)
    assert found is not None
    assert found.patient_id == patient_id


def test_spaces_and_nulls_behind_values_are_padding():
    data = head(EXPLICIT, patient_id=b" 12 34 \0\0 ")
    found = read_head(data, EXPLICIT.syntax, is_whole=True)
    assert found is not None
    assert found.patient_id == " 12 34"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(
            EXPLICIT.element(0x00020010, "UI", b"1.2\0") + head(EXPLICIT), id="file meta information"
        ),
        pytest.param(bytes(128) + b"DICM" + head(EXPLICIT), id="a whole file"),
        pytest.param(IMPLICIT.element(0x00000002, "UI", b"1.2\0"), id="a command set"),
        pytest.param(EXPLICIT.header(0xFFFEE000, "", 0), id="an item"),
    ],
)
def test_what_begins_with_something_else_is_no_data_set(data):
    for is_whole in (False, True):
        with pytest.raises(DataSetMalformed):
            read_head(data, EXPLICIT.syntax, is_whole=is_whole)


def test_garbage_between_items_is_malformed():
    data = EXPLICIT.header(0x00081140, "SQ", UNDEFINED) + b"not an item header" + head(EXPLICIT)
    with pytest.raises(DataSetMalformed):
        read_head(data, EXPLICIT.syntax, is_whole=False)


def test_sequences_without_end_are_malformed_not_a_way_to_keep_us_busy():
    opening = EXPLICIT.header(0x00081140, "SQ", UNDEFINED) + EXPLICIT.header(0xFFFEE000, "", UNDEFINED)
    with pytest.raises(DataSetMalformed):
        read_head(opening * 10_000, EXPLICIT.syntax, is_whole=False)


NOTHING = EXPLICIT.element(0x00080001, "UN", b"")
ITEM = EXPLICIT.header(0xFFFEE000, "", 0)


@pytest.mark.parametrize("vr", ["CS", "UN"])
def test_a_head_of_many_elements_takes_no_memory(vr):
    data = EXPLICIT.element(0x00090010, vr, b"") * 100_000 + head(EXPLICIT)
    tracemalloc.start()
    try:
        assert read_head(data, EXPLICIT.syntax, is_whole=True) == HEAD
        assert tracemalloc.get_traced_memory()[1] < 1024 * 1024
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(EXPLICIT.element(0x00080008, "CS", b"") * 1_000_001, id="elements"),
        pytest.param(NOTHING * 1_000_001, id="elements with a long VR"),
        pytest.param(EXPLICIT.header(0x00081140, "SQ", UNDEFINED) + ITEM * 1_000_001, id="items"),
        pytest.param(EXPLICIT.delimited_sequence(0x00081140, NOTHING * 300_000) * 4, id="nested elements"),
        pytest.param(EXPLICIT.delimited_sequence(0x00081140) * 600_000, id="sequences"),
    ],
)
def test_elements_and_items_without_number_are_malformed_before_the_last_is_reached(data):
    for behind in (head(EXPLICIT), EXPLICIT.element(0x00080001, "UN", b"")[:-1]):
        with pytest.raises(DataSetMalformed, match="elements in front of"):
            read_head(data + behind, EXPLICIT.syntax, is_whole=True)


def test_a_sequence_of_as_many_items_as_the_instances_of_a_large_study_is_skipped():
    reference = EXPLICIT.element(0x00081150, "UI", b"1.2\0") + EXPLICIT.element(0x00081155, "UI", b"1.3\0")
    references = EXPLICIT.delimited_sequence(0x00081140, *[reference] * 50_000)
    assert read_head(head(EXPLICIT, before_study=references), EXPLICIT.syntax, is_whole=True) == HEAD


@pytest.mark.parametrize("length", [0x10000, 0xFFFFFFF0])
def test_a_value_that_is_too_long_to_be_one_is_malformed_and_not_read(length):
    data = IMPLICIT.header(0x00080018, "UI", length) + bytes(100)
    for is_whole in (False, True):
        with pytest.raises(DataSetMalformed, match="00080018"):
            read_head(data, IMPLICIT.syntax, is_whole=is_whole)


def test_a_deflate_bomb_is_not_inflated():
    bomb = deflated(EXPLICIT.element(0x00080008, "UT", bytes(64 * 1024 * 1024)) + head(EXPLICIT))
    assert len(bomb) < 100_000
    with pytest.raises(DataSetMalformed):
        read_head(bomb, DEFLATED, is_whole=True)


def test_what_is_no_deflate_stream_is_malformed():
    with pytest.raises(DataSetMalformed):
        read_head(b"\xff" * 100, DEFLATED, is_whole=False)


_CT = bytes(data_set_of(sample("CT_small.dcm"))[0][:4000])
_SYNTAXES = st.sampled_from(
    [EXPLICIT.syntax, IMPLICIT.syntax, BIG_ENDIAN.syntax, DEFLATED, *TRANSFER_SYNTAXES.values()]
)


@given(data=st.binary(max_size=300), syntax=_SYNTAXES, is_whole=st.booleans())
@example(data=b"\x08\x00\x05\x00CS\x00", syntax=EXPLICIT.syntax, is_whole=True)
def test_any_bytes_have_a_head_or_are_malformed(data, syntax, is_whole):
    try:
        found = read_head(data, syntax, is_whole=is_whole)
    except DataSetMalformed:
        return
    assert isinstance(found, DataSetHead) or (found is None and not is_whole)


@given(
    offset=st.integers(0, len(_CT) - 1),
    noise=st.binary(min_size=1, max_size=12),
    is_deflated=st.booleans(),
    is_whole=st.booleans(),
)
def test_a_damaged_data_set_has_a_head_or_is_malformed(offset, noise, is_deflated, is_whole):
    data = _CT[:offset] + noise + _CT[offset + len(noise) :]
    syntax = EXPLICIT.syntax
    if is_deflated:
        data, syntax = deflated(data), DEFLATED
    try:
        found = read_head(memoryview(data), syntax, is_whole=is_whole)
    except DataSetMalformed:
        return
    assert isinstance(found, DataSetHead) or (found is None and not is_whole)


def _answer(data: bytes) -> DataSetHead | str | None:
    try:
        return read_head(data, EXPLICIT.syntax, is_whole=True)
    except DataSetMalformed as error:
        return str(error)


@settings(deadline=None)
@given(offset=st.integers(0, len(_CT) - 1), noise=st.binary(max_size=12), is_cut=st.booleans())
def test_what_was_read_before_changes_no_answer(offset, noise, is_cut):
    data = _CT[:offset] + noise + _CT[offset + (0 if is_cut else len(noise)) :]
    assert _answer(head(EXPLICIT)) == HEAD
    after_another = _answer(data)
    assert isinstance(_answer(_CT), DataSetHead)
    assert _answer(data) == after_another
