import pytest

from dicomhub.standard.bulk_data import bulk_data
from dicomhub.standard.dicom_json import data_set_to_model
from tests.standard.building import BIG_ENDIAN, EXPLICIT, IMPLICIT
from tests.standard.reading import data_set_of, part10_files
from tests.support.samples import sample


def uris(model):
    for attribute in model.values():
        if "BulkDataURI" in attribute:
            yield attribute["BulkDataURI"]
        elif attribute["vr"] == "SQ":
            for item in attribute.get("Value", []):
                yield from uris(item)


@pytest.mark.parametrize(
    "name", [path.name for path in part10_files() if "trunc" not in path.name and "short" not in path.name]
)
def test_every_bulk_data_uri_of_a_sample_file_names_a_value(name):
    if name == "DICOMDIR-nooffset":
        return  # breaks off
    data_set, syntax = data_set_of(sample(name))
    model = data_set_to_model(data_set, syntax, bulk_data_uri="uri", bulk_data_threshold_bytes=16)
    for uri in uris(model):
        assert len(bulk_data(data_set, syntax, uri.removeprefix("uri/"))) > 0


def test_a_native_value_is_the_bytes_of_the_data_set_not_a_copy():
    data_set, syntax = data_set_of(sample("CT_small.dcm"))
    value = bulk_data(data_set, syntax, "7FE00010")
    assert isinstance(value, memoryview)
    assert value.obj is data_set.obj
    assert len(value) == 128 * 128 * 2


def test_a_path_leads_into_items():
    def item(value: bytes) -> bytes:
        return EXPLICIT.delimited_sequence(0x54000110, EXPLICIT.element(0x54001010, "OW", value))

    data_set = EXPLICIT.element(0x54001010, "OW", b"no") + EXPLICIT.sequence(
        0x54000100, item(b"ab"), item(b"cd")
    )
    assert bulk_data(data_set, EXPLICIT.syntax, "54000100/1/54000110/0/54001010") == b"cd"
    assert bulk_data(data_set, EXPLICIT.syntax, "54000100/0/54000110/0/54001010") == b"ab"
    assert bulk_data(data_set, EXPLICIT.syntax, "54001010") == b"no"


@pytest.mark.parametrize(
    "path",
    [
        "00100010",
        "54000100",
        "54000100/0/54001010",
        "54000100/1/00091001",
        "",
        "/",
        "x",
        "../../..",
        "-0091001",
    ],
)
def test_a_path_to_nothing_is_a_key_error(path):
    data_set = EXPLICIT.element(0x00091001, "OB", b"ab") + EXPLICIT.sequence(
        0x54000100, EXPLICIT.element(0x00091001, "OB", b"cd")
    )
    with pytest.raises(KeyError):
        bulk_data(data_set, EXPLICIT.syntax, path)


def test_fragments_are_joined_without_offset_table_and_item_headers():
    data_set = EXPLICIT.encapsulated(0x7FE00010, "OB", b"\0\0\0\0", b"frag", b"ment")
    assert bulk_data(data_set, EXPLICIT.syntax, "7FE00010") == b"fragment"
    assert bulk_data(EXPLICIT.encapsulated(0x7FE00010, "OB"), EXPLICIT.syntax, "7FE00010") == b""


@pytest.mark.parametrize(
    ("vr", "bits", "little"),
    [
        ("OB", 8, b"\1\2\3\4\5\6\7\x08"),
        ("OW", 8, b"\2\1\4\3\6\5\x08\7"),
        ("OW", 16, b"\2\1\4\3\6\5\x08\7"),
        ("OW", 32, b"\4\3\2\1\x08\7\6\5"),
        ("OW", 64, b"\x08\7\6\5\4\3\2\1"),
    ],
)
def test_big_endian_pixels_come_in_little_endian(vr, bits, little):
    data_set = BIG_ENDIAN.numbers(0x00280100, "US", "H", bits) + BIG_ENDIAN.element(
        0x7FE00010, vr, bytes(range(1, 9))
    )
    assert bulk_data(data_set, BIG_ENDIAN.syntax, "7FE00010") == little


def test_bulk_data_of_implicit_vr_is_found_by_the_dictionary():
    data_set = IMPLICIT.sequence(0x54000100, IMPLICIT.element(0x54001010, "OW", b"ab"))
    assert bulk_data(data_set, IMPLICIT.syntax, "54000100/0/54001010") == b"ab"
