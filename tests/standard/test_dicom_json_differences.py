"""The differences from pydicom that no sample file shows: pydicom's answer, or its failure, beside ours."""

from struct import pack
from typing import Any

import pytest

from dicomhub.standard.dicom_json import data_set_to_model
from tests.standard.building import BIG_ENDIAN, EXPLICIT, IMPLICIT, Writer
from tests.standard.reading import pydicom_reading, quietly

RAISES: Any = object()
NAN_AND_INFINITIES = (float("nan"), float("inf"), float("-inf"))


def case(name: str, data_set: bytes, theirs: Any, ours: Any, *, writer: Writer = EXPLICIT) -> Any:
    return pytest.param(writer, data_set, theirs, ours, id=name)


CASES = [
    case(
        "F.2.2: only the groups of a name that are not empty",
        EXPLICIT.element(0x00100010, "PN", b"=Yamada "),
        {"vr": "PN", "Value": [{"Alphabetic": "", "Ideographic": "Yamada"}]},
        {"vr": "PN", "Value": [{"Ideographic": "Yamada"}]},
    ),
    case(
        "F.2.2: vr is a VR",
        IMPLICIT.element(0x50003000, "OW", b"\1\0"),
        {"vr": "OB or OW", "InlineBinary": "AQA="},
        {"vr": "OW", "InlineBinary": "AQA="},
        writer=IMPLICIT,
    ),
    case(
        "F.2.2: LUT Data without its descriptor has a VR too",
        IMPLICIT.element(0x00283006, "OW", b"\1\0"),
        RAISES,
        {"vr": "OW", "InlineBinary": "AQA="},
        writer=IMPLICIT,
    ),
    case(
        "F.2.3: a VR that nobody knows is UN",
        EXPLICIT.element(0x00091001, "ZZ", b"\1\0"),
        RAISES,
        {"vr": "UN", "InlineBinary": "AQA="},
    ),
    case(
        "F.2.3: bytes that are no whole number of values are UN",
        EXPLICIT.element(0x00280010, "US", b"\1\0\2"),
        RAISES,
        {"vr": "UN", "InlineBinary": "AQAC"},
    ),
    case(
        "F.2.3: likewise half a tag",
        EXPLICIT.element(0x00280009, "AT", b"\x18\0"),
        {"vr": "AT"},
        {"vr": "UN", "InlineBinary": "GAA="},
    ),
    case(
        "F.2.3 note: an IS with a fraction keeps it",
        EXPLICIT.element(0x00200013, "IS", b"1.5 "),
        {"vr": "IS", "Value": [1]},
        {"vr": "IS", "Value": ["1.5"]},
    ),
    case(
        "F.2.3 note: an IS that a double cannot hold is a string",
        EXPLICIT.element(0x00200013, "IS", b"9007199254740993"),
        {"vr": "IS", "Value": [9007199254740992]},
        {"vr": "IS", "Value": ["9007199254740993"]},
    ),
    case(
        "F.2.3 note: an IS that is no number is a string",
        EXPLICIT.element(0x00200013, "IS", b"1A\\2_0\\3"),
        RAISES,
        {"vr": "IS", "Value": ["1A", "2_0", 3]},
    ),
    case(
        "F.2.3 note: a DS that would lose digits is a string",
        EXPLICIT.element(0x00181041, "DS", b"9007199254740993"),
        {"vr": "DS", "Value": [9007199254740992.0]},
        {"vr": "DS", "Value": ["9007199254740993"]},
    ),
    case(
        "F.2.3 note: a DS that is no number is a string",
        EXPLICIT.element(0x00181041, "DS", b"1,5 "),
        RAISES,
        {"vr": "DS", "Value": ["1,5"]},
    ),
    case(
        "F.2.3: a DS beyond all numbers is a string",
        EXPLICIT.element(0x00181041, "DS", b"1E400 "),
        {"vr": "DS", "Value": [float("inf")]},
        {"vr": "DS", "Value": ["1E400"]},
    ),
    case(
        "F.2.3 note: an SV that a double cannot hold is a string",
        EXPLICIT.element(0x00091001, "SV", pack("<qq", -(2**63), 5)),
        {"vr": "SV", "Value": [-(2**63), 5]},
        {"vr": "SV", "Value": [str(-(2**63)), 5]},
    ),
    case(
        "F.2.3: what JSON has no number for is a string",
        EXPLICIT.element(0x00091001, "FD", pack("<dd", float("inf"), float("-inf"))),
        {"vr": "FD", "Value": [float("inf"), float("-inf")]},
        {"vr": "FD", "Value": ["Infinity", "-Infinity"]},
    ),
    case(
        "F.2.5: an empty name among several is null",
        EXPLICIT.element(0x00100010, "PN", b"A^B\\\\C "),
        RAISES,
        {"vr": "PN", "Value": [{"Alphabetic": "A^B"}, None, {"Alphabetic": "C"}]},
    ),
    case(
        "F.2.5: an empty number among several is null",
        EXPLICIT.element(0x00281050, "DS", b"40\\"),
        RAISES,
        {"vr": "DS", "Value": [40, None]},
    ),
    case(
        "PS3.5 6.2: the padding of an AE is none of its value",
        EXPLICIT.element(0x00080054, "AE", b"ARCHIVE\0"),
        {"vr": "AE", "Value": ["ARCHIVE\0"]},
        {"vr": "AE", "Value": ["ARCHIVE"]},
    ),
    case(
        "PS3.5 6.2: the padding of an UR is none of its value",
        EXPLICIT.element(0x00081190, "UR", b"http://a/b/\0"),
        {"vr": "UR", "Value": ["http://a/b/\0"]},
        {"vr": "UR", "Value": ["http://a/b/"]},
    ),
    case(
        "PS3.5 6.1.2.5.3: ^ ends an extension of the character set in a name",
        EXPLICIT.element(0x00080005, "CS", b"ISO 2022 IR 100\\ISO 2022 IR 144 ")
        + EXPLICIT.element(0x00100010, "PN", b"\x1b-L\xbb\xee\xda^\xc4\xd6"),
        {"vr": "PN", "Value": [{"Alphabetic": "Люк^Фж"}]},
        {"vr": "PN", "Value": [{"Alphabetic": "Люк^ÄÖ"}]},
    ),
    case(
        "PS3.3 C.7.6.3.1: signed pixels also in items of sequences of undefined length",
        IMPLICIT.numbers(0x00280103, "US", "H", 1)
        + IMPLICIT.delimited_sequence(0x00400440, IMPLICIT.numbers(0x00280106, "SS", "h", -1)),
        {"vr": "SQ", "Value": [{"00280106": {"vr": "US", "Value": [65535]}}]},
        {"vr": "SQ", "Value": [{"00280106": {"vr": "SS", "Value": [-1]}}]},
        writer=IMPLICIT,
    ),
    case(
        "PS3.5 7.5: what is said to be a sequence and is none is UN",
        IMPLICIT.element(0x00081140, "SQ", b"no items"),
        {"vr": "SQ", "Value": [{}]},
        {"vr": "UN", "InlineBinary": "bm8gaXRlbXM="},
        writer=IMPLICIT,
    ),
    case(
        "PS3.5 6.2.2 note 2: an UN of undefined length is little endian in big endian too",
        BIG_ENDIAN.header(0x00091001, "UN", 0xFFFFFFFF)
        + IMPLICIT.delimited_sequence(0x00091001, IMPLICIT.numbers(0x00280010, "US", "H", 512))[8:],
        RAISES,
        {"vr": "SQ", "Value": [{"00280010": {"vr": "US", "Value": [512]}}]},
        writer=BIG_ENDIAN,
    ),
    case(
        "F.2.6: fragments are bulk data wherever they are",
        EXPLICIT.encapsulated(0x00091001, "OB", b"", b"\1\2"),
        {"vr": "OB", "InlineBinary": "/v8A4AAAAAD+/wDgAgAAAAEC"},
        {"vr": "OB", "BulkDataURI": "uri/00091001"},
    ),
]


@pytest.mark.parametrize(("writer", "data_set", "theirs", "ours"), CASES)
def test_a_difference_from_pydicom(writer, data_set, theirs, ours):
    model = data_set_to_model(data_set, writer.syntax, bulk_data_uri="uri")
    tag = list(model)[-1]
    assert model[tag] == ours
    with quietly():
        if theirs is RAISES:
            with pytest.raises(Exception):  # noqa: B017 - of many kinds
                pydicom_reading(data_set, writer.syntax).to_json_dict()
        else:
            assert pydicom_reading(data_set, writer.syntax).to_json_dict()[tag] == theirs


def test_not_a_number_is_a_string():
    data_set = EXPLICIT.numbers(0x00091001, "FL", "f", *NAN_AND_INFINITIES)
    model = data_set_to_model(data_set, EXPLICIT.syntax, bulk_data_uri="uri")
    assert model["00091001"] == {"vr": "FL", "Value": ["NaN", "Infinity", "-Infinity"]}


def test_tags_ascend_even_where_the_data_set_breaks_their_order():
    late = EXPLICIT.element(0x00080018, "UI", b"1.2\0")
    data_set = EXPLICIT.element(0x00100020, "LO", b"1 ") + late
    in_item = EXPLICIT.sequence(0x00200010, data_set)
    model = data_set_to_model(data_set + in_item, EXPLICIT.syntax, bulk_data_uri="uri")
    assert list(model) == ["00080018", "00100020", "00200010"]
    assert list(model["00200010"]["Value"][0]) == ["00080018", "00100020"]
