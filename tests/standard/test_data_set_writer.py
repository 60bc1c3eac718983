"""Data sets written from their models, those of every sample file among them, and read again."""

import io
from base64 import b64decode
from contextlib import suppress
from functools import cache

import pydicom
import pytest

from dicomhub.standard.bulk_data import bulk_data_pieces
from dicomhub.standard.data_set_writer import BulkValue, ModelMalformed, data_set_pieces
from dicomhub.standard.dicom_json import data_set_to_model
from dicomhub.standard.element import DataSetMalformed
from dicomhub.standard.native_model import write_native_model
from dicomhub.standard.native_model_reader import NativeModelMalformed, read_native_model
from dicomhub.standard.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN, transfer_syntax
from tests.standard.reading import data_set_of, part10_files

EXPLICIT = transfer_syntax(EXPLICIT_VR_LITTLE_ENDIAN)
CHARACTER_SET = "00080005"


def written(model, find={}.__getitem__):
    return b"".join(data_set_pieces(model, find))


def model_of(data_set, syntax=EXPLICIT):
    return data_set_to_model(data_set, syntax, bulk_data_uri="")


def comparable(model, *, is_from_xml):
    """Without the character set, in items too: what is written says UTF-8 once.

    XML has no place for empty components at a name's end, and numbers the blocks of private creators anew.
    """
    return {
        tag: _comparable(attribute, is_from_xml)
        for tag, attribute in model.items()
        if tag != CHARACTER_SET and not (is_from_xml and tag[3] in "13579BDF")
    }


def _comparable(attribute, is_from_xml):
    values = attribute.get("Value", [])
    match attribute["vr"]:
        case "SQ":
            values = [comparable(item, is_from_xml=is_from_xml) for item in values]
        case "PN" if is_from_xml:
            names = [{group: text.rstrip("^") for group, text in (name or {}).items()} for name in values]
            values = [{group: text for group, text in name.items() if text} for name in names]
            values = values if any(values) else []
        case "UN":
            return b64decode(attribute.get("InlineBinary", "")).rstrip(b"\0")  # of an odd length perhaps
    return attribute["vr"], attribute.get("InlineBinary"), attribute.get("BulkDataURI"), values


def finder(data_set, syntax):
    return lambda uri: BulkValue(bulk_data_pieces(data_set, syntax, uri.removeprefix("/")))


@cache
def sample_models():
    models = []
    for path in part10_files():
        data_set, syntax = data_set_of(path)
        with suppress(DataSetMalformed):
            models.append((path.name, data_set, syntax, model_of(data_set, syntax)))
    return models


@pytest.mark.parametrize("form", ["json", "xml"])
def test_every_sample_comes_back(form):
    is_from_xml = form == "xml"
    for name, data_set, syntax, model in sample_models():
        sent = read_native_model(write_native_model(model)) if is_from_xml else model
        again = written(sent, finder(data_set, syntax))
        read = model_of(again)
        assert read[CHARACTER_SET]["Value"] == ["ISO_IR 192"]
        assert comparable(read, is_from_xml=is_from_xml) == comparable(model, is_from_xml=is_from_xml), name
        assert pydicom.dcmread(io.BytesIO(again), force=True).SpecificCharacterSet == "ISO_IR 192"


def test_private_attributes_of_xml_get_blocks():
    model = {
        "00110010": {"vr": "LO", "Value": ["ONE"]},
        "00110011": {"vr": "LO", "Value": ["TWO"]},
        "00111001": {"vr": "LO", "Value": ["1"]},
        "00111101": {"vr": "SH", "Value": ["2"]},
        "00131001": {"vr": "UN", "InlineBinary": "AAA="},
    }
    assert read_native_model(write_native_model(model)) == model


def native_model(*attributes):
    """A document of attributes with a value each: (tag, private creator or None, value)."""
    written = (
        f'<DicomAttribute tag="{tag}" vr="LO"'
        + (f' privateCreator="{creator}">' if creator else ">")
        + f'<Value number="1">{value}</Value></DicomAttribute>'
        for tag, creator, value in attributes
    )
    return f"<NativeDicomModel>{''.join(written)}</NativeDicomModel>".encode()


def lo(value):
    return {"vr": "LO", "Value": [value]}


def test_a_hundred_thousand_private_attributes_get_the_blocks_of_their_creators():
    groups, blocks, elements = ("0029", "002B"), range(0x10, 0x10 + 200), range(250)
    document = native_model(
        *(
            (f"{group}00{element:02X}", f"CREATOR {block}", element)
            for group in groups
            for element in elements
            for block in blocks
        )
    )
    model = {f"{group}00{block:02X}": lo(f"CREATOR {block}") for group in groups for block in blocks}
    for group in groups:
        for block in blocks:
            model |= {f"{group}{block:02X}{element:02X}": lo(f"{element}") for element in elements}
    assert read_native_model(document) == model


def test_blocks_that_a_document_reserves_itself_are_kept():
    reserved = [("00290010", None, "OTHER"), ("00290012", None, "ONE"), ("00290013", None, "ONE")]
    attributes = [("00290001", "ONE", "1"), ("00290002", "TWO", "2"), ("002B0001", "ONE", "3")]
    model = {
        "00290010": lo("OTHER"),
        "00290011": lo("TWO"),
        "00290012": lo("ONE"),
        "00290013": lo("ONE"),
        "00291102": lo("2"),
        "00291201": lo("1"),
        "002B0010": lo("ONE"),
        "002B1001": lo("3"),
    }
    assert read_native_model(native_model(*reserved, *attributes)) == model
    assert read_native_model(native_model(*attributes, *reserved)) == model


def test_a_group_has_240_blocks():
    attributes = [("00290001", f"CREATOR {number}", "x") for number in range(240)]
    assert len(read_native_model(native_model(*attributes))) == 480
    with pytest.raises(NativeModelMalformed):
        read_native_model(native_model(*attributes, ("00290001", "ONE MORE", "x")))


def test_values_of_each_kind():
    model = {
        "00080018": {"vr": "UI", "Value": ["1.2.3"]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎"}, None]},
        "00101010": {"vr": "AS"},
        "00181063": {"vr": "DS", "Value": [0.1, None, 1 / 3, "1E3", -1.5e-300, 7.0]},
        "00200013": {"vr": "IS", "Value": [2, "3"]},
        "00280009": {"vr": "AT", "Value": ["00181063"]},
        "00281101": {"vr": "SS", "Value": [65535, -1, 16]},
        "00189445": {"vr": "FD", "Value": ["NaN", "-Infinity", 1.5]},
        "00401001": {"vr": "SH", "Value": ["a", None, "c"]},
        "00720083": {"vr": "UV", "Value": ["18446744073709551615", 1]},
        "00081140": {"vr": "SQ", "Value": [{}, {"00081155": {"vr": "UI", "Value": ["1.2"]}}]},
        "00102297": {"vr": "UT", "Value": ["x" * 70_001]},
        "00204000": {"vr": "LT", "Value": ["back\\slash\r\n"]},
    }
    data_set = pydicom.dcmread(io.BytesIO(written(model)), force=True)
    assert data_set.PatientName[0].ideographic == "山田^太郎"
    assert [str(value) for value in data_set[0x00181063].value] == [
        "0.1", "", "0.33333333333333", "1E3", "-1.5e-300", "7",
    ]  # fmt: skip
    assert data_set[0x00720083].value == [2**64 - 1, 1]
    assert data_set[0x00204000].value == "back\\slash\r\n"
    assert model_of(written(model))["00281101"] == model["00281101"]


@pytest.mark.parametrize(
    "model",
    [
        [],
        {"PatientID": {"vr": "LO"}},
        {"00100020": {}},
        {"00100020": "x"},
        {"00100020": {"vr": "XX", "Value": ["x"]}},
        {"00100020": {"vr": {}, "Value": ["x"]}},
        {"00080005": {"vr": "CS", "Value": 5}, "00100020": {"vr": []}},
        {"00100020": {"vr": "LO", "Value": "x"}},
        {"00100020": {"vr": "LO", "Value": [1]}},
        {"00100020": {"vr": "LO", "Value": ["\ud800"]}},
        {"00100020": {"vr": "LO", "Value": ["a\\b", "c"]}},
        {"00100020": {"vr": "LO", "Value": ["x"], "InlineBinary": "AA=="}},
        {"00280010": {"vr": "US", "Value": [65536]}},
        {"00280010": {"vr": "US", "Value": [True]}},
        {"00200013": {"vr": "IS", "Value": [float("inf")]}},
        {"00280009": {"vr": "AT", "Value": ["-0000001"]}},
        {"7FE00010": {"vr": "OW", "Value": [1]}},
        {"7FE00010": {"vr": "OW", "InlineBinary": "*"}},
        {"7FE00010": {"vr": "OW", "BulkDataURI": "nowhere"}},
        {"00081140": {"vr": "SQ", "Value": [{"x": {}}]}},
        {"00081140": {"vr": "SQ", "InlineBinary": "AA=="}},
        {"FFFEE000": {"vr": "UN"}},
        {"00000002": {"vr": "UI", "Value": ["1.2"]}},
    ],
    ids=repr,
)
def test_models_of_which_no_data_set_can_be_made(model):
    with pytest.raises(ModelMalformed):
        written(model, {}.__getitem__)


def test_sequences_may_not_be_deeper_than_any_parser_goes():
    model = {}
    for _ in range(100):
        model = {"00081140": {"vr": "SQ", "Value": [model]}}
    with pytest.raises(ModelMalformed):
        written(model)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<",
        b"<Other/>",
        b"<!DOCTYPE NativeDicomModel><NativeDicomModel/>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><NativeDicomModel>&b;</NativeDicomModel>',
        b'<?xml version="1.0" encoding="nonsense"?><NativeDicomModel/>',
        b'<NativeDicomModel><DicomAttribute tag="00280010" vr="US"><Value>x</Value></DicomAttribute></NativeDicomModel>',
        b'<NativeDicomModel><DicomAttribute vr="CS"><Value number="9999999">CT</Value></DicomAttribute></NativeDicomModel>',
        b'<NativeDicomModel><DicomAttribute vr="CS"><Value number="%s">CT</Value></DicomAttribute></NativeDicomModel>'
        % (b"9" * 5000),
        b"<NativeDicomModel>%s</NativeDicomModel>" % (b"<a/>" * 1_000_000),
    ],
    ids=lambda document: document[:80].decode(),
)
def test_documents_that_are_no_model(document):
    with pytest.raises(NativeModelMalformed):
        read_native_model(document)
