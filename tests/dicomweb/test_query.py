from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomhub.dicomweb.search.query import QueryInvalid, parse_search_query


def parse(**parameters):
    return parse_search_query(parameters.items())


def test_a_key_is_a_keyword_or_a_tag():
    query = parse_search_query([("PatientID", "1"), ("0020000D", "1.2"), ("0008103e", "head*")])
    assert query.matches == {"PatientID": "1", "StudyInstanceUID": "1.2", "SeriesDescription": "head*"}


@pytest.mark.parametrize("key", ["Patient", "patientid", "00091001", "0009", "00400275.0040", "_", "orderby"])
def test_a_key_that_is_not_known_is_named(key):
    with pytest.raises(QueryInvalid) as error:
        parse_search_query([(key, "1")])
    assert error.value.parameter == key


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
    query = parse_search_query([("includefield", "StudyDescription,00081090"), ("includefield", "00091001")])
    assert query.include_tags == {"00081030", "00081090", "00091001"}


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
    query = parse_search_query([("StudyInstanceUID", "1.2"), ("StudyInstanceUID", "1.3")])
    assert query.matches == {"StudyInstanceUID": "1.2,1.3"}


def test_any_other_key_comes_once():
    with pytest.raises(QueryInvalid):
        parse_search_query([("PatientID", "1"), ("00100020", "2")])


def test_fuzzymatching_is_true_or_false():
    assert parse(fuzzymatching="true").is_fuzzy
    assert not parse(fuzzymatching="false").is_fuzzy
    with pytest.raises(QueryInvalid):
        parse(fuzzymatching="perhaps")


def test_what_the_media_type_is_negotiated_with_is_no_key():
    assert parse(accept="application/dicom+json").matches == {}


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), max_size=4))
def test_any_query_is_read_or_refused(pairs):
    with suppress(QueryInvalid):
        assert parse_search_query(pairs).offset >= 0
