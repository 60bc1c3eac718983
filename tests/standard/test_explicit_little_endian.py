import mmap
import tracemalloc
import zlib
from io import BytesIO
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomhub.standard.data_set_head import DataSetMalformed
from dicomhub.standard.dicom_json import data_set_to_model
from dicomhub.standard.explicit_little_endian import CHUNK_BYTES, NeedsPixelDecoder, reencode
from dicomhub.standard.part10 import file_header
from dicomhub.standard.transfer_syntax import (
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    GE_PRIVATE_IMPLICIT_VR,
    TRANSFER_SYNTAXES,
    transfer_syntax,
)
from tests.standard.building import BIG_ENDIAN, EXPLICIT, IMPLICIT
from tests.standard.reading import data_set_of, part10_files, pydicom_reading, quietly

DEFLATED = transfer_syntax(DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN)
BREAK_OFF = {"rtplan_truncated.dcm"}


def explicit_model(data: bytes) -> dict[str, Any]:
    return data_set_to_model(data, EXPLICIT.syntax, bulk_data_uri="uri")


def reencoded(data, syntax) -> bytes:
    return b"".join(reencode(data, syntax))


def little_endian_value(
    element: pydicom.DataElement, data_set: pydicom.Dataset, *, is_big_endian: bool
) -> Any:
    """pydicom leaves the bytes of an OW as they are in the file."""
    if not is_big_endian or element.VR != "OW":
        return element.value
    size = data_set.BitsAllocated // 8 if element.tag == 0x7FE00010 and data_set.BitsAllocated > 16 else 2
    return np.frombuffer(element.value, f">u{size}").astype(f"<u{size}").tobytes()


def assert_same_elements(before: pydicom.Dataset, after: pydicom.Dataset, *, is_big_endian: bool) -> None:
    tags = [element.tag for element in before.elements() if element.tag.element != 0]
    assert [element.tag for element in after.elements() if element.tag.element != 0] == tags
    for tag in tags:
        one, other = before[tag], after[tag]
        assert one.VR == other.VR, tag
        if one.VR == "SQ":
            assert len(one.value) == len(other.value), tag
            for item, same_item in zip(one.value, other.value, strict=True):
                assert_same_elements(item, same_item, is_big_endian=is_big_endian)
        else:
            value = little_endian_value(one, before, is_big_endian=is_big_endian)
            if isinstance(value, bytes) and len(value) % 2:
                value += b"\0"
            assert value == other.value, tag


NATIVE_FILES = [path for path in part10_files() if not data_set_of(path)[1].is_encapsulated]
ENCAPSULATED_FILES = [path for path in part10_files() if data_set_of(path)[1].is_encapsulated]


@pytest.mark.parametrize(
    "path", [path for path in NATIVE_FILES if path.name not in BREAK_OFF], ids=lambda path: path.name
)
def test_a_native_sample_file_is_equal_element_by_element(path):
    data_set, syntax = data_set_of(path)
    with quietly():
        before = pydicom.dcmread(path)
        after = pydicom_reading(reencoded(data_set, syntax), EXPLICIT.syntax)
        # A broken IS is a broken IS in both; pydicom will not show it.
        if path.name != "badVR.dcm":
            assert_same_elements(before, after, is_big_endian=not syntax.is_little_endian)
        if path.name not in {"badVR.dcm", "MR_truncated.dcm", "nested_priv_SQ.dcm"} and "PixelData" in before:
            assert np.array_equal(before.pixel_array, after.pixel_array)


@pytest.mark.parametrize("path", ENCAPSULATED_FILES, ids=lambda path: path.name)
def test_an_encapsulated_sample_file_needs_a_decoder(path):
    data_set, syntax = data_set_of(path)
    with pytest.raises(NeedsPixelDecoder) as refusal:
        reencode(data_set, syntax)
    assert refusal.value.syntax is syntax


def test_explicit_little_endian_is_passed_on_as_it_is():
    data_set = EXPLICIT.numbers(0x00080000, "UL", "I", 4) + EXPLICIT.element(
        0x7FE00010, "OW", bytes(3 * CHUNK_BYTES)
    )
    chunks = list(reencode(data_set, EXPLICIT.syntax))
    assert b"".join(chunks) == data_set
    assert max(map(len, chunks)) == CHUNK_BYTES


@pytest.mark.parametrize(
    "path", [path for path in NATIVE_FILES if path.name in BREAK_OFF], ids=lambda path: path.name
)
def test_what_breaks_off_is_encoded_up_to_there(path):
    data_set, syntax = data_set_of(path)
    intact = data_set_to_model(data_set, syntax, bulk_data_uri="", must_be_whole=False)
    assert len(intact) > 3
    assert explicit_model(reencoded(data_set, syntax)) == intact


def test_the_big_endian_pixels_of_ges_private_syntax_are_swapped():
    data_set = IMPLICIT.numbers(0x00280100, "US", "H", 16) + IMPLICIT.element(0x7FE00010, "OW", b"\1\2\3\4")
    assert reencoded(data_set, transfer_syntax(GE_PRIVATE_IMPLICIT_VR)).endswith(b"\2\1\4\3")
    assert reencoded(data_set, IMPLICIT.syntax).endswith(b"\1\2\3\4")


def test_an_item_of_defined_length_gets_a_delimiter():
    data_set = IMPLICIT.sequence(0x00081140, IMPLICIT.element(0x00081155, "UI", b"1.2\0"), b"")
    assert reencoded(data_set, IMPLICIT.syntax) == EXPLICIT.delimited_sequence(
        0x00081140, EXPLICIT.element(0x00081155, "UI", b"1.2\0"), b""
    )


@pytest.mark.parametrize("writer", [IMPLICIT, BIG_ENDIAN], ids=lambda writer: writer.syntax.name)
def test_group_lengths_are_left_out(writer):
    item = writer.numbers(0x00080000, "UL", "I", 4) + writer.element(0x00081155, "UI", b"1.2\0")
    data_set = writer.numbers(0x00080000, "UL", "I", 4) + writer.sequence(0x00081140, item)
    assert reencoded(data_set, writer.syntax) == EXPLICIT.delimited_sequence(
        0x00081140, EXPLICIT.element(0x00081155, "UI", b"1.2\0")
    )


@pytest.mark.parametrize(
    ("vr", "code", "values"),
    [
        ("AT", "H", (0x0018, 0x1063)),
        ("FD", "d", (1.5, -2.5)),
        ("FL", "f", (1.5, -2.5)),
        ("OD", "d", (1.5, -2.5)),
        ("OF", "f", (1.5, -2.5)),
        ("OL", "I", (1, 2**31)),
        ("OV", "Q", (1, 2**63)),
        ("OW", "H", (1, 2**15)),
        ("SL", "i", (1, -(2**31))),
        ("SS", "h", (1, -(2**15))),
        ("SV", "q", (1, -(2**63))),
        ("UL", "I", (1, 2**31)),
        ("US", "H", (1, 2**15)),
        ("UV", "Q", (1, 2**63)),
        ("OB", "B", (1, 2)),
        ("UN", "B", (1, 2)),
    ],
)
def test_big_endian_values_are_swapped_by_their_vr(vr, code, values):
    data_set = BIG_ENDIAN.numbers(0x00091001, vr, code, *values)
    assert reencoded(data_set, BIG_ENDIAN.syntax) == EXPLICIT.numbers(0x00091001, vr, code, *values)


def test_a_value_too_long_for_its_vr_is_unknown():
    text = b"1.5\\" * 16_384
    assert len(text) == 0x10000
    data_set = IMPLICIT.element(0x30060050, "DS", text)
    assert reencoded(data_set, IMPLICIT.syntax) == EXPLICIT.element(0x30060050, "UN", text)
    assert reencoded(IMPLICIT.element(0x30060050, "DS", text[:-2]), IMPLICIT.syntax) == EXPLICIT.element(
        0x30060050, "DS", text[:-2]
    )


def test_odd_values_are_padded_and_broken_numbers_unknown():
    data_set = (
        IMPLICIT.element(0x00080018, "UI", b"1.2")
        + IMPLICIT.element(0x00100020, "LO", b"123")
        + IMPLICIT.element(0x00280010, "US", b"\1\0\2")
    )
    assert reencoded(data_set, IMPLICIT.syntax) == (
        EXPLICIT.element(0x00080018, "UI", b"1.2\0")
        + EXPLICIT.element(0x00100020, "LO", b"123 ")
        + EXPLICIT.element(0x00280010, "UN", b"\1\0\2\0")
    )


def test_signed_pixel_values_are_signed_whatever_comes_first():
    data_set = IMPLICIT.numbers(0x00189810, "SS", "h", -1) + IMPLICIT.numbers(0x00280103, "US", "H", 1)
    assert reencoded(data_set, IMPLICIT.syntax).startswith(EXPLICIT.numbers(0x00189810, "SS", "h", -1))


def test_an_encapsulated_value_in_a_native_data_set_stays_one():
    fragments = (b"", b"frag", b"ment" * 300_000)
    data_set = BIG_ENDIAN.encapsulated(0x00091001, "OB", *fragments)
    assert reencoded(data_set, BIG_ENDIAN.syntax) == EXPLICIT.encapsulated(0x00091001, "OB", *fragments)


def test_a_deflated_data_set_is_inflated_in_chunks():
    data_set = EXPLICIT.element(0x7FE00010, "OW", bytes(5 * CHUNK_BYTES))
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    data = stream.compress(data_set) + stream.flush()
    chunks = list(reencode(data, DEFLATED))
    assert b"".join(chunks) == data_set
    assert max(map(len, chunks)) <= CHUNK_BYTES
    with pytest.raises(DataSetMalformed):
        reencoded(data[:-20], DEFLATED)
    with pytest.raises(DataSetMalformed):
        reencoded(b"\xff" + data, DEFLATED)


@pytest.mark.parametrize("writer", [EXPLICIT, IMPLICIT, BIG_ENDIAN], ids=lambda writer: writer.syntax.name)
def test_a_large_data_set_takes_the_memory_of_a_few_chunks(writer, tmp_path):
    size_bytes = 200 * 1024 * 1024
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.write(writer.numbers(0x00280100, "US", "H", 16) + writer.header(0x7FE00010, "OW", size_bytes))
        file.truncate(file.tell() + size_bytes)
    with path.open("rb") as file:
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    tracemalloc.start()
    total = sum(len(chunk) for chunk in reencode(data, writer.syntax))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == 10 + 12 + size_bytes
    assert peak < 8 * CHUNK_BYTES


@given(
    data=st.binary(max_size=300),
    syntax=st.sampled_from([syntax for syntax in TRANSFER_SYNTAXES.values() if not syntax.is_encapsulated]),
)
def test_any_bytes_are_reencoded_or_malformed(data, syntax):
    try:
        result = reencoded(data, syntax)
    except DataSetMalformed:
        return
    if syntax.is_implicit_vr or not syntax.is_little_endian:
        explicit_model(result)


def test_what_is_written_is_a_file_that_pydicom_reads():
    data_set, syntax = data_set_of(next(path for path in NATIVE_FILES if path.name == "rtplan.dcm"))
    header = file_header(
        sop_class_uid="1.2", sop_instance_uid="1.2", transfer_syntax_uid=EXPLICIT_VR_LITTLE_ENDIAN
    )
    assert pydicom.dcmread(BytesIO(header + reencoded(data_set, syntax))).RTPlanLabel == "Plan1"
