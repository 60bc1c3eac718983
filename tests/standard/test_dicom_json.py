import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomhub.standard.data_set_head import DataSetMalformed
from dicomhub.standard.dicom_json import bulk_data, data_set_to_model, encode_model
from dicomhub.standard.part10 import read_file_meta
from dicomhub.standard.transfer_syntax import TRANSFER_SYNTAXES, transfer_syntax
from tests.standard.building import BIG_ENDIAN, EXPLICIT, IMPLICIT, NATIVE
from tests.standard.reading import data_set_of
from tests.support.samples import sample

VALUES = [
    ("00080054", "AE", b" ARCHIVE ", ["ARCHIVE"]),
    ("00101010", "AS", b"042Y", ["042Y"]),
    ("00080008", "CS", b"ORIGINAL\\PRIMARY\\AXIAL ", ["ORIGINAL", "PRIMARY", "AXIAL"]),
    ("00080020", "DA", b"20040119", ["20040119"]),
    ("00181041", "DS", b"-1.50\\+2e3\\ 3 ", [-1.5, 2000.0, 3.0]),
    ("0008002A", "DT", b"20040119101112.5+0100 ", ["20040119101112.5+0100"]),
    ("00200013", "IS", b"-7\\+8\\9.0 ", [-7, 8, 9]),
    ("00080080", "LO", b"Hospital\\Clinic ", ["Hospital", "Clinic"]),
    ("00104000", "LT", b"one\\line ", ["one\\line"]),
    ("00080050", "SH", b"A 1 ", ["A 1"]),
    ("00081140", "SQ", b"", None),
    ("00080081", "ST", b"Street\\Town ", ["Street\\Town"]),
    ("00080030", "TM", b"101112.25 ", ["101112.25"]),
    ("00080119", "UC", b"a\\b ", ["a", "b"]),
    ("00080018", "UI", b"1.2\\1.3\0", ["1.2", "1.3"]),
    ("00081190", "UR", b"http://a/b\\c  ", ["http://a/b\\c"]),
    ("0040A160", "UT", b" long\\text ", [" long\\text"]),
]
NUMBERS = [
    ("00280009", "AT", "H", (0x0018, 0x1063), ["00181063"]),
    ("00091001", "FD", "d", (1.5, -2.25), [1.5, -2.25]),
    ("00189074", "FL", "f", (0.5,), [0.5]),
    ("00091001", "SL", "i", (-70000,), [-70000]),
    ("00091001", "SS", "h", (-7, 8), [-7, 8]),
    ("00091001", "SV", "q", (-(2**40),), [-(2**40)]),
    ("00091001", "UL", "I", (2**32 - 1,), [2**32 - 1]),
    ("00280010", "US", "H", (512,), [512]),
    ("00091001", "UV", "Q", (2**53 - 1, 2**64 - 1), [2**53 - 1, str(2**64 - 1)]),
]
BYTES_VRS = ("OB", "OD", "OF", "OL", "OV", "OW", "UN")


def model_of(data_set: bytes, writer=EXPLICIT, **how):
    return data_set_to_model(data_set, writer.syntax, bulk_data_uri="http://a/bulk", **how)


@pytest.mark.parametrize(("tag", "vr", "raw", "values"), VALUES, ids=[case[1] for case in VALUES])
@pytest.mark.parametrize("writer", NATIVE, ids=lambda writer: writer.syntax.name)
def test_text(writer, tag, vr, raw, values):
    model = model_of(writer.element(int(tag, 16), vr, raw), writer)
    assert model == {tag: {"vr": vr, "Value": values} if values else {"vr": vr}}


@pytest.mark.parametrize(("tag", "vr", "code", "raw", "values"), NUMBERS, ids=[case[1] for case in NUMBERS])
@pytest.mark.parametrize("writer", [EXPLICIT, BIG_ENDIAN], ids=lambda writer: writer.syntax.name)
def test_numbers(writer, tag, vr, code, raw, values):
    model = model_of(writer.numbers(int(tag, 16), vr, code, *raw), writer)
    assert model == {tag: {"vr": vr, "Value": values}}


@pytest.mark.parametrize("vr", sorted({case[1] for case in VALUES + NUMBERS} | set(BYTES_VRS) | {"PN"}))
def test_an_empty_attribute_has_only_its_vr(vr):
    assert model_of(EXPLICIT.element(0x00091001, vr, b"")) == {"00091001": {"vr": vr}}


@pytest.mark.parametrize("vr", sorted({case[1] for case in VALUES} - {"SQ"} | {"PN"}))
def test_a_value_of_padding_is_empty(vr):
    assert model_of(EXPLICIT.element(0x00091001, vr, b"  \0 ")) == {"00091001": {"vr": vr}}


def test_the_groups_of_a_name():
    raw = "Yamada^Tarou=山田^太郎=やまだ^たろう\\Adams^John".encode()
    data_set = EXPLICIT.element(0x00080005, "CS", b"ISO_IR 192") + EXPLICIT.element(0x00100010, "PN", raw)
    assert model_of(data_set)["00100010"]["Value"] == [
        {"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎", "Phonetic": "やまだ^たろう"},
        {"Alphabetic": "Adams^John"},
    ]


def test_the_character_set_of_an_item_ends_with_it():
    latin = EXPLICIT.element(0x00080104, "LO", b"\xe4 ")
    item = EXPLICIT.element(0x00080005, "CS", b"ISO_IR 144") + EXPLICIT.element(0x00080104, "LO", b"\xb6 ")
    data_set = (
        EXPLICIT.element(0x00080005, "CS", b"ISO_IR 100")
        + EXPLICIT.sequence(0x00081032, latin, item, latin)
        + EXPLICIT.element(0x00104000, "LT", b"\xe4 ")
    )
    model = model_of(data_set)
    meanings = [item["00080104"]["Value"] for item in model["00081032"]["Value"]]
    assert meanings == [["ä"], ["Ж"], ["ä"]]
    assert model["00104000"]["Value"] == ["ä"]


def test_text_that_its_character_set_cannot_be_is_shown_as_far_as_it_goes():
    data_set = EXPLICIT.element(0x00080005, "CS", b"ISO_IR 192") + EXPLICIT.element(
        0x00100020, "LO", b"A\xffB "
    )
    assert model_of(data_set)["00100020"]["Value"] == ["A\N{REPLACEMENT CHARACTER}B"]


@pytest.mark.parametrize(
    "codec", [b"unicode_escape", b"utf-7 ", b"punycode", b"zip ", b"undefined ", b"\0\\\0"]
)
def test_a_character_set_that_is_only_pythons_is_not_used(codec):
    data_set = EXPLICIT.element(0x00080005, "CS", codec) + EXPLICIT.element(
        0x00100020, "LO", b"\\ud800+A-\xe4 "
    )
    assert encode_model(model_of(data_set)).endswith('["","ud800+A-ä"]}}'.replace('""', "null").encode())


@pytest.mark.parametrize("writer", NATIVE, ids=lambda writer: writer.syntax.name)
@pytest.mark.parametrize("way", ["sequence", "delimited_sequence"])
def test_sequences_in_sequences(writer, way):
    sequence = getattr(writer, way)
    inner = sequence(0x00400275, writer.element(0x00400009, "SH", b"T-1 "), b"")
    data_set = sequence(0x00081140, inner, writer.element(0x00081155, "UI", b"1.2\0"))
    assert model_of(data_set, writer) == {
        "00081140": {
            "vr": "SQ",
            "Value": [
                {"00400275": {"vr": "SQ", "Value": [{"00400009": {"vr": "SH", "Value": ["T-1"]}}, {}]}},
                {"00081155": {"vr": "UI", "Value": ["1.2"]}},
            ],
        }
    }


def test_unknown_of_undefined_length_is_a_sequence_in_implicit_vr():
    item = IMPLICIT.element(0x00081155, "UI", b"1.2\0")
    data_set = (
        EXPLICIT.header(0x00091001, "UN", 0xFFFFFFFF) + IMPLICIT.delimited_sequence(0x00091001, item)[8:]
    )
    assert model_of(data_set) == {
        "00091001": {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": ["1.2"]}}]}
    }


def test_unknown_that_the_dictionary_knows_gets_its_vr():
    data_set = EXPLICIT.element(0x00100020, "UN", b"12") + EXPLICIT.numbers(0x00280010, "UN", "H", 512)
    assert model_of(data_set) == {
        "00100020": {"vr": "LO", "Value": ["12"]},
        "00280010": {"vr": "US", "Value": [512]},
    }


def test_private_elements_in_implicit_vr_have_the_vr_that_their_creator_published():
    data_set = (
        IMPLICIT.element(0x00190010, "LO", b"GEMS_ACQU_01")
        + IMPLICIT.numbers(0x00191002, "SL", "i", 912)
        + IMPLICIT.numbers(0x001910FF, "SL", "i", 912)
        + IMPLICIT.numbers(0x00191102, "SL", "i", 912)
    )
    model = model_of(data_set, IMPLICIT)
    assert model["00190010"] == {"vr": "LO", "Value": ["GEMS_ACQU_01"]}
    assert model["00191002"] == {"vr": "SL", "Value": [912]}
    assert model["001910FF"] == model["00191102"] == {"vr": "UN", "InlineBinary": "kAMAAA=="}


@pytest.mark.parametrize(("representation", "vr", "value"), [(0, "US", 65535), (1, "SS", -1)])
def test_us_or_ss_goes_by_the_nearest_pixel_representation_even_a_later_one(representation, vr, value):
    smallest = IMPLICIT.numbers(0x00280106, "SS", "h", -1)
    data_set = (
        IMPLICIT.numbers(0x00189810, "SS", "h", -1)
        + IMPLICIT.sequence(0x00189346, smallest, IMPLICIT.numbers(0x00280103, "US", "H", 1) + smallest)
        + IMPLICIT.numbers(0x00280103, "US", "H", representation)
        + smallest
    )
    model = model_of(data_set, IMPLICIT)
    expected = {"vr": vr, "Value": [value]}
    assert model["00189810"] == model["00280106"] == expected
    first, second = model["00189346"]["Value"]
    assert first["00280106"] == expected
    assert second["00280106"] == {"vr": "SS", "Value": [-1]}


def test_a_lut_descriptor_counts_its_entries_without_sign():
    data_set = IMPLICIT.numbers(0x00280103, "US", "H", 1) + IMPLICIT.numbers(
        0x00283002, "SS", "h", -536, -5, 16
    )
    assert model_of(data_set, IMPLICIT)["00283002"] == {"vr": "SS", "Value": [65000, -5, 16]}


@pytest.mark.parametrize(("entries", "vr"), [(1, "US"), (2, "OW")])
def test_lut_data_of_one_entry_is_a_number(entries, vr):
    data_set = IMPLICIT.numbers(0x00283002, "US", "H", entries, 0, 16) + IMPLICIT.numbers(
        0x00283006, "US", "H", 7
    )
    assert model_of(data_set, IMPLICIT)["00283006"]["vr"] == vr


@pytest.mark.parametrize(("bits", "vr"), [(8, "OB"), (16, "OW")])
def test_unknown_waveform_data_and_pixel_data_go_by_their_bits(bits, vr):
    data_set = (
        EXPLICIT.numbers(0x00280100, "US", "H", bits)
        + EXPLICIT.numbers(0x54001004, "US", "H", bits)
        + EXPLICIT.element(0x54001010, "UN", b"\1\2")
        + EXPLICIT.element(0x7FE00010, "UN", b"\1\2")
    )
    model = model_of(data_set)
    assert model["54001010"]["vr"] == model["7FE00010"]["vr"] == vr


@pytest.mark.parametrize("vr", BYTES_VRS)
def test_bytes_are_inline_up_to_the_threshold_and_bulk_data_beyond(vr):
    data_set = EXPLICIT.element(0x00091001, vr, bytes(8)) + EXPLICIT.element(0x00091002, vr, bytes(16))
    assert model_of(data_set, bulk_data_threshold_bytes=8) == {
        "00091001": {"vr": vr, "InlineBinary": "AAAAAAAAAAA="},
        "00091002": {"vr": vr, "BulkDataURI": "http://a/bulk/00091002"},
    }


def test_text_and_numbers_are_inline_up_to_64_kib_and_bulk_data_beyond():
    data_set = EXPLICIT.element(0x0040A160, "UT", b"x" * 60_000) + EXPLICIT.numbers(
        0x00720070, "UL", "I", *range(5000)
    )
    model = model_of(data_set)
    assert len(model["0040A160"]["Value"][0]) == 60_000
    assert model["00720070"]["Value"] == list(range(5000))
    # In Implicit VR every length has four bytes.
    long = IMPLICIT.numbers(0x0072007C, "SL", "i", *range(20_000))
    assert model_of(long, writer=IMPLICIT) == {
        "0072007C": {"vr": "SL", "BulkDataURI": "http://a/bulk/0072007C"}
    }
    assert len(bulk_data(long, IMPLICIT.syntax, "0072007C")) == 80_000


@pytest.mark.parametrize(
    ("vr", "text"),
    [("IS", b"1e20"), ("IS", b"9" * 12), ("DS", b"1e-9999999999999999999"), ("DS", b"1e9999999999999999999")],
)
def test_a_number_that_no_json_reader_takes_stays_a_text(vr, text):
    value = model_of(EXPLICIT.element(0x00091001, vr, text))["00091001"]["Value"][0]
    assert value in {text.decode(), 999_999_999_999}
    encode_model({"00091001": {"vr": vr, "Value": [value]}})


def test_pixels_are_bulk_data_however_few():
    data_set = b"".join(
        EXPLICIT.element(tag, vr, bytes(8))
        for tag, vr in ((0x7FE00008, "OF"), (0x7FE00009, "OD"), (0x7FE00010, "OW"))
    )
    assert [attribute["BulkDataURI"][-8:] for attribute in model_of(data_set).values()] == [
        "7FE00008",
        "7FE00009",
        "7FE00010",
    ]


def test_group_lengths_are_left_out_at_every_level():
    item = EXPLICIT.numbers(0x00080000, "UL", "I", 4) + EXPLICIT.element(0x00081155, "UI", b"1.2\0")
    data_set = EXPLICIT.numbers(0x00080000, "UL", "I", 4) + EXPLICIT.sequence(0x00081140, item)
    assert list(model_of(data_set)["00081140"]["Value"][0]) == ["00081155"]


def test_a_value_longer_than_its_item_ends_with_the_item():
    item = EXPLICIT.header(0x00081155, "UI", 200) + b"1.2.3\0"
    data_set = EXPLICIT.sequence(0x00081140, item) + EXPLICIT.element(0x00100020, "LO", b"12")
    model = model_of(data_set)
    assert model["00081140"]["Value"] == [{"00081155": {"vr": "UI", "Value": ["1.2.3"]}}]
    assert model["00100020"]["Value"] == ["12"]


def test_zeros_behind_the_data_set_are_no_part_of_it():
    element = EXPLICIT.element(0x00100020, "LO", b"12")
    assert model_of(element + bytes(5)) == model_of(element + bytes(600)) == model_of(element)


@pytest.mark.parametrize("size", [1, 2, 7])
def test_a_data_set_that_breaks_off_is_malformed(size):
    data_set = EXPLICIT.element(0x00081030, "LO", b"CT HEAD ") + EXPLICIT.element(0x00100020, "LO", b"12")
    with pytest.raises(DataSetMalformed):
        model_of(data_set[:-size])


@pytest.mark.parametrize(
    "data_set",
    [
        pytest.param(EXPLICIT.delimited_sequence(0x00081140, b"")[:-8], id="no end of the sequence"),
        pytest.param(EXPLICIT.delimited_sequence(0x00081140, b"")[:-16], id="no end of the item"),
        pytest.param(
            EXPLICIT.element(0x00081140, "SQ", b"\xfe\xff\x00\xe0\0\0\0\0otherwise"), id="no second item"
        ),
        pytest.param(EXPLICIT.header(0xFFFEE0DD, "", 0), id="an end without a beginning"),
        pytest.param(
            EXPLICIT.element(0x00080008, "CS", b"A ") + EXPLICIT.header(0xFFFEE00D, "", 0), id="likewise"
        ),
        pytest.param(
            EXPLICIT.encapsulated(0x7FE00010, "OB", b"", b"1234")[:-8], id="no end of the fragments"
        ),
    ],
)
def test_a_broken_structure_is_malformed(data_set):
    with pytest.raises(DataSetMalformed):
        model_of(data_set)


def test_sequences_may_be_deep_but_not_without_end():
    def nested(depth: int) -> bytes:
        data_set = b""
        for _ in range(depth):
            data_set = EXPLICIT.delimited_sequence(0x00081140, data_set)
        return data_set

    assert encode_model(model_of(nested(60))).count(b"00081140") == 60
    for data_set in (nested(65), nested(5000)):
        with pytest.raises(DataSetMalformed):
            model_of(data_set)


def test_a_deflated_data_set_is_read_whole():
    path = sample("image_dfl.dcm")
    data_set, syntax = data_set_of(path)
    assert syntax.is_deflated
    model = data_set_to_model(data_set, syntax, bulk_data_uri="uri")
    assert len(bulk_data(data_set, syntax, "7FE00010")) == 262_144
    assert model["7FE00010"] == {"vr": "OB", "BulkDataURI": "uri/7FE00010"}
    with pytest.raises(DataSetMalformed):
        data_set_to_model(data_set[:-1000], syntax, bulk_data_uri="uri")


_CT = bytes(data_set_of(sample("CT_small.dcm"))[0][:6000])
_SYNTAXES = st.sampled_from([writer.syntax for writer in NATIVE] + list(TRANSFER_SYNTAXES.values()))


@given(data=st.binary(max_size=400), syntax=_SYNTAXES)
def test_any_bytes_have_a_model_or_are_malformed(data, syntax):
    try:
        model = data_set_to_model(data, syntax, bulk_data_uri="uri")
    except DataSetMalformed:
        return
    assert list(model) == sorted(model)
    assert encode_model(model)


@given(offset=st.integers(0, len(_CT) - 1), noise=st.binary(min_size=1, max_size=8))
def test_a_damaged_data_set_has_a_model_or_is_malformed(offset, noise):
    data = _CT[:offset] + noise + _CT[offset + len(noise) :]
    try:
        model = data_set_to_model(data, EXPLICIT.syntax, bulk_data_uri="uri")
    except DataSetMalformed:
        return
    assert encode_model(model)


_VRS = st.sampled_from(sorted({case[1] for case in VALUES + NUMBERS} - {"SQ"} | {"PN"} | set(BYTES_VRS)))
_CHARACTER_SETS = st.sampled_from(
    [b"", b"ISO_IR 192", b"\\ISO 2022 IR 87", b"GB18030", b"ISO_IR 13", b"ISO_IR 13\\ISO 2022 IR 159"]
)


@given(
    vr=_VRS,
    value=st.binary(max_size=40) | st.text("0123456789.-+eE_\\ naif\x1b$(B", max_size=20).map(str.encode),
    text=_CHARACTER_SETS,
)
def test_no_value_is_too_broken_to_be_shown(vr, value, text):
    data_set = EXPLICIT.element(0x00080005, "CS", text) + EXPLICIT.element(0x00091001, vr, value)
    assert encode_model(model_of(data_set))


@pytest.mark.parametrize(
    ("name", "cut_through"), [("MR_truncated.dcm", "7FE00010"), ("rtplan_truncated.dcm", "300A00B0")]
)
def test_a_data_set_that_breaks_off_gives_what_stands_before_the_fault(name, cut_through):
    data = sample(name).read_bytes()
    meta = read_file_meta(data)
    data_set, syntax = data[meta.data_set_offset :], transfer_syntax(meta.transfer_syntax_uid)
    with pytest.raises(DataSetMalformed):
        data_set_to_model(data_set, syntax, bulk_data_uri="")
    model = data_set_to_model(data_set, syntax, bulk_data_uri="", must_be_whole=False)
    expected = pydicom.dcmread(sample(name), stop_before_pixels=True)
    tags = {f"{element.tag:08X}" for element in expected}
    assert len(tags) > 10
    assert set(model) == tags - {cut_through}
