import pytest

from dicomhub.standard.attributes import (
    INSTANCE_ATTRIBUTES,
    SERIES_ATTRIBUTES,
    STUDY_ATTRIBUTES,
    keyword_of,
    tag_of,
    vr_of,
)


@pytest.mark.parametrize("attributes", [STUDY_ATTRIBUTES, SERIES_ATTRIBUTES, INSTANCE_ATTRIBUTES])
def test_every_attribute_of_a_search_is_in_the_dictionary_and_tags_ascend(attributes):
    tags = [tag_of(keyword) for keyword in attributes]
    assert None not in tags
    assert tags == sorted(tags)
    assert [keyword_of(tag) for tag in tags] == list(attributes)


@pytest.mark.parametrize(
    ("name", "tag"),
    [("PatientID", "00100020"), ("00100020", "00100020"), ("7fe00010", "7FE00010"), ("00091001", "00091001")],
)
def test_a_keyword_or_its_digits_name_a_tag(name, tag):
    assert tag_of(name) == tag


@pytest.mark.parametrize(
    "name", ["", "patientid", "Patient ID", "0010,0020", "(0010,0020)", "0010002", "001000200", "0010002g"]
)
def test_what_names_no_tag(name):
    assert tag_of(name) is None


@pytest.mark.parametrize(
    ("tag", "vr", "keyword"),
    [
        ("00100010", "PN", "PatientName"),
        ("00280106", "US", "SmallestImagePixelValue"),
        ("7FE00010", "OB", "PixelData"),
        ("60023000", "OB", "OverlayData"),
        ("00091001", None, None),
        ("00100000", None, None),
    ],
)
def test_the_vr_and_keyword_of_a_tag(tag, vr, keyword):
    assert vr_of(tag) == vr
    assert keyword_of(tag) == keyword
