"""One attribute's text, public or private, in every encoding."""

import contextlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomhub.standard.element import DataSetMalformed
from dicomhub.standard.selected_attribute import TEXT_MAX_BYTES, AttributeSelector, read_text
from dicomhub.standard.transfer_syntax import DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, transfer_syntax
from tests.standard.building import BIG_ENDIAN, EXPLICIT, IMPLICIT, UNDEFINED

INSTITUTION = AttributeSelector(0x00080080)
PRIVATE = AttributeSelector(0x00291010, "ACME")
DEFLATED = transfer_syntax(DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN)
ENCODINGS = pytest.mark.parametrize("writer", [EXPLICIT, IMPLICIT, BIG_ENDIAN])


def data_set(writer, *elements: tuple[int, str, bytes]) -> memoryview:
    return memoryview(b"".join(writer.element(*element) for element in elements))


@ENCODINGS
def test_a_public_attribute_is_read_without_its_padding(writer):
    data = data_set(writer, (0x00080016, "UI", b"1.2\0"), (0x00080080, "LO", b"North "))
    assert read_text(data, writer.syntax, INSTITUTION) == "North"


@ENCODINGS
@pytest.mark.parametrize("block", [0x10, 0x11, 0xFF])
def test_a_private_attribute_is_found_in_whatever_block_its_creator_has_reserved(writer, block):
    data = data_set(
        writer,
        (0x00290000 | 0x0F + 0x01, "LO", b"OTHER ") if block > 0x10 else (0x00100020, "LO", b"P1"),
        (0x00290000 | block, "LO", b"ACME"),
        (0x00291010, "LO", b"wrong ") if block > 0x10 else (0x00291009, "LO", b"wrong "),
        (0x00290010 | block << 8, "LO", b"north "),
    )
    assert read_text(data, writer.syntax, PRIVATE) == "north"


@ENCODINGS
def test_without_its_creator_there_is_no_private_attribute(writer):
    data = data_set(writer, (0x00290010, "LO", b"OTHER "), (0x00291010, "LO", b"north "))
    assert read_text(data, writer.syntax, PRIVATE) == ""


@ENCODINGS
def test_what_lies_in_a_sequence_is_not_meant(writer):
    inner = writer.element(0x00080080, "LO", b"inner ")
    data = memoryview(
        writer.delimited_sequence(0x00080051, inner) + writer.sequence(0x00080060, inner, vr="SQ")
    )
    assert read_text(data, writer.syntax, INSTITUTION) == ""


@ENCODINGS
def test_what_lies_behind_pixels_is_found(writer):
    data = data_set(writer, (0x7FE00010, "OW", bytes(100_000)), (0x7FE10010, "LO", b"ACME"))
    data = memoryview(bytes(data) + writer.element(0x7FE11001, "LO", b"north "))
    assert read_text(data, writer.syntax, AttributeSelector(0x7FE11001, "ACME")) == "north"


def test_the_character_set_is_that_of_the_data_set():
    data = data_set(EXPLICIT, (0x00080005, "CS", b"ISO_IR 192"), (0x00080080, "LO", "Göttingen".encode()))
    assert read_text(data, EXPLICIT.syntax, INSTITUTION) == "Göttingen"


def test_a_deflated_data_set_is_inflated_as_far_as_it_takes():
    plain = bytes(data_set(EXPLICIT, (0x00080016, "UN", bytes(200_000)), (0x00080080, "LO", b"North ")))
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    data = memoryview(stream.compress(plain) + stream.flush())
    assert read_text(data, DEFLATED, INSTITUTION) == "North"


def test_of_a_text_without_end_the_beginning_is_read():
    data = data_set(EXPLICIT, (0x00080080, "UT", b"x" * 10_000))
    assert read_text(data, EXPLICIT.syntax, INSTITUTION) == "x" * TEXT_MAX_BYTES


def test_a_data_set_that_is_cut_short_is_malformed():
    data = EXPLICIT.header(0x00080016, "UI", 100) + b"1.2"
    with pytest.raises(DataSetMalformed):
        read_text(memoryview(data), EXPLICIT.syntax, INSTITUTION)
    with pytest.raises(DataSetMalformed):
        read_text(memoryview(EXPLICIT.header(0x00080016, "SQ", UNDEFINED)), EXPLICIT.syntax, INSTITUTION)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(EXPLICIT.element(0x00080008, "CS", b"") * 4_000_001, id="elements"),
        pytest.param(
            EXPLICIT.header(0x00081140, "SQ", UNDEFINED) + EXPLICIT.header(0xFFFEE000, "", 0) * 4_000_001,
            id="items",
        ),
    ],
)
def test_elements_and_items_without_number_are_malformed(data):
    with pytest.raises(DataSetMalformed, match="elements in front of"):
        read_text(memoryview(data), EXPLICIT.syntax, PRIVATE)


@given(
    st.binary(max_size=200), st.sampled_from([EXPLICIT.syntax, IMPLICIT.syntax, BIG_ENDIAN.syntax, DEFLATED])
)
def test_whatever_the_bytes_are_there_is_a_text_or_they_are_malformed(data, syntax):
    for selector in (INSTITUTION, PRIVATE):
        with contextlib.suppress(DataSetMalformed):
            assert isinstance(read_text(memoryview(data), syntax, selector), str)
