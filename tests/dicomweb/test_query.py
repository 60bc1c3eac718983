from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomhub.dicomweb.search.query import QueryInvalid, TooManyUids, parse_search_query


def parse_pairs(pairs):
    return parse_search_query(pairs, max_uids=3)


def parse(**parameters):
    return parse_pairs(parameters.items())


def test_a_key_is_a_keyword_or_a_tag():
    query = parse_pairs([("PatientID", "1"), ("0020000D", "1.2"), ("0008103e", "head*")])
    assert query.matches == {"PatientID": "1", "StudyInstanceUID": "1.2", "SeriesDescription": "head*"}


@pytest.mark.parametrize("key", ["Patient", "patientid", "0009", "00400275.0040", "_", "orderby"])
def test_a_parameter_that_is_not_ours_is_ignored_and_named(key):
    query = parse_pairs([(key, "1"), ("PatientID", "1")])
    assert query.ignored == (key,)
    assert query.matches == {"PatientID": "1"}


@pytest.mark.parametrize("key", ["a\r\nWarning: 199", "\u00e9", "x" * 65])
def test_a_name_that_no_header_can_hold_is_ignored_only(key):
    assert parse_pairs([(key, "1")]).ignored == ()


@pytest.mark.parametrize("key", ["00091001", "RetrieveURL", "InstanceAvailability"])
def test_an_attribute_that_nothing_can_be_matched_with_is_named(key):
    with pytest.raises(QueryInvalid) as error:
        parse_pairs([(key, "1")])
    assert error.value.parameter == key


def test_a_search_says_its_time_zone():
    query = parse(StudyDate="20260102", TimezoneOffsetFromUTC="-0530")
    assert query.rules.zone.utcoffset(None) == -timedelta(hours=5, minutes=30)
    assert query.matches == {"StudyDate": "20260102"}
    with pytest.raises(QueryInvalid):
        parse(TimezoneOffsetFromUTC="Berlin")


def test_a_list_of_uids_has_an_end():
    parse(StudyInstanceUID="1.1,1.2\\1.3")
    with pytest.raises(TooManyUids):
        parse_pairs([("StudyInstanceUID", "1.1,1.2"), ("0020000D", "1.3,1.4")])


def test_limit_and_offset():
    query = parse(limit="10", offset="20")
    assert (query.limit, query.offset) == (10, 20)
    query = parse()
    assert (query.limit, query.offset) == (None, 0)


@pytest.mark.parametrize("text", ["-1", "1.5", "ten", "", "1e3", "\u0661", "1234567890"])
def test_a_limit_that_is_no_number_is_refused(text):
    with pytest.raises(QueryInvalid) as error:
        parse(limit=text)
    assert error.value.parameter == "limit"


def test_includefield_takes_keywords_and_tags_and_lists_of_them():
    query = parse_pairs([("includefield", "StudyDescription,00081090"), ("includefield", "00091001")])
    assert query.include_tags == {"00081030", "00081090", "00091001", "00090010"}
    path = "RequestAttributesSequence.ScheduledProcedureStepID"
    assert parse(includefield=path).include_tags == {"00400275"}


def test_includefield_all_is_everything():
    assert parse(includefield="all").include_tags is None


def test_includefield_that_nobody_knows_is_refused():
    with pytest.raises(QueryInvalid) as error:
        parse(includefield="NoSuchThing")
    assert error.value.parameter == "includefield"


def test_an_empty_value_matches_everything_and_asks_for_the_attribute():
    query = parse(StudyDescription="")
    assert query.matches == {}
    assert query.include_tags == {"00081030"}


def test_uids_that_come_one_by_one_are_a_list():
    query = parse_pairs([("StudyInstanceUID", "1.2"), ("StudyInstanceUID", "1.3")])
    assert query.matches == {"StudyInstanceUID": "1.2,1.3"}


def test_any_other_key_comes_once():
    with pytest.raises(QueryInvalid):
        parse_pairs([("PatientID", "1"), ("00100020", "2")])


@pytest.mark.parametrize(
    ("parameter", "rule"),
    [
        ("fuzzymatching", "is_fuzzy"),
        ("emptyvaluematching", "is_empty_matched"),
        ("multiplevaluematching", "is_every_value_needed"),
    ],
)
def test_a_manner_of_matching_is_true_or_false(parameter, rule):
    assert getattr(parse(**{parameter: "true"}).rules, rule)
    assert not getattr(parse(**{parameter: "false"}).rules, rule)
    with pytest.raises(QueryInvalid):
        parse(**{parameter: "perhaps"})


def test_what_the_media_type_is_negotiated_with_is_no_key():
    assert parse(accept="application/dicom+json").matches == {}


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), max_size=4))
def test_any_query_is_read_or_refused(pairs):
    with suppress(QueryInvalid, TooManyUids):
        assert parse_pairs(pairs).offset >= 0
