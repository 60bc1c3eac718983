"""The Native DICOM Model says what the data set does: by PS3.19's schema, and by pydicom's values."""

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomhub.standard.dicom_json import data_set_to_model
from dicomhub.standard.element import DataSetMalformed
from dicomhub.standard.native_model import write_native_model
from tests.standard.native_model_reading import assert_same, read_native_model
from tests.standard.reading import data_set_of, part10_files, quietly


def written(model):
    return read_native_model(write_native_model(model))


@pytest.mark.parametrize("path", part10_files(), ids=lambda path: path.name)
def test_a_document_says_what_the_model_and_pydicom_do(path):
    data, syntax = data_set_of(path)
    try:
        model = data_set_to_model(data, syntax, bulk_data_uri="http://archive/bulk", must_be_whole=False)
    except DataSetMalformed:
        return
    attributes = written(model)
    assert_same(attributes, model)
    with quietly():
        data_set = pydicom.dcmread(path, force=True)
        assert_same_creators(attributes, data_set)


def assert_same_creators(attributes, data_set):
    """That of each private element, by its tag."""
    private = [element.tag for element in data_set if element.tag.is_private and element.tag.element > 0xFF]
    reserving = [data_set.get((tag.group, tag.element >> 8)) for tag in private]
    expected = [element.value if element else None for element in reserving]
    written = [one for one in attributes if int(one.tag[:4], 16) % 2 == 1]
    assert [one.creator for one in written if one.creator or one.tag[4:] > "00FF"] == expected


def test_private_elements_name_their_creator_and_not_its_block():
    model = {
        "00090010": {"vr": "LO", "Value": ["ACME <1>"]},
        "00090011": {"vr": "LO", "Value": ["OTHER"]},
        "00090012": {"vr": "LO", "Value": ["OTHER"]},
        "00091002": {"vr": "SH", "Value": ["a"]},
        "00091102": {"vr": "SH", "Value": ["b"]},
        "00091202": {"vr": "SH", "Value": ["c"]},
        "00091302": {"vr": "SH", "Value": ["d"]},
    }
    assert [(one.tag, one.creator, one.values) for one in written(model)] == [
        ("00090012", None, ["OTHER"]),
        ("00090002", "ACME <1>", ["a"]),
        ("00090002", "OTHER", ["b"]),
        ("00091202", None, ["c"]),
        ("00091302", None, ["d"]),
    ]


def test_keywords_are_those_of_the_dictionary():
    model = {"00100020": {"vr": "LO"}, "60023000": {"vr": "OW"}, "00187777": {"vr": "UN"}}
    assert [one.keyword for one in written(model)] == ["PatientID", "OverlayData", None]


def test_empty_values_among_others_keep_their_number():
    model = {
        "00080008": {"vr": "CS", "Value": ["MPG", None, "XR3"]},
        "00081140": {"vr": "SQ", "Value": [{}, {"00080050": {"vr": "SH"}}]},
        "00081048": {"vr": "PN", "Value": [None, {"Alphabetic": "A^B^^Dr", "Phonetic": "^^c"}]},
        "00100010": {"vr": "PN"},
    }
    attributes = written(model)
    assert attributes[0].values == ["MPG", "", "XR3"]
    assert [len(item) for item in attributes[1].values] == [0, 1]
    assert attributes[2].values == ["", "A^B^^Dr==^^c"]
    assert attributes[3].values == []


def test_numbers_are_written_as_decimal_strings_allow():
    model = {"00180050": {"vr": "DS", "Value": [123456789012345.0, 0.5, -1e-07, "0.12345678901234567"]}}
    assert written(model)[0].values == ["123456789012345", "0.5", "-1e-07", "0.12345678901234567"]


@given(st.text(alphabet=st.characters(), max_size=50))
def test_any_text_is_read_as_it_was_but_for_what_xml_cannot_hold(text):
    (attribute,) = written({"00204000": {"vr": "LT", "Value": [text]}})
    assert len(attribute.values[0]) == len(text)
    assert all(
        read in (sent, "\ufffd") and (read == sent or sent < " " or sent >= "\ud800")
        for read, sent in zip(attribute.values[0], text, strict=True)
    )
    assert all(kept in attribute.values[0] for kept in "\t\r\n" if kept in text)
