from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomhub.standard.value import DateRange, PersonName, RangeInvalid, TimeRange, parse_date, parse_time

LAST = 999_999


@pytest.mark.parametrize("text", ["20040119", "2004.01.19", " 20040119 ", "20040119\0"])
def test_dates(text):
    assert parse_date(text) == date(2004, 1, 19)


@pytest.mark.parametrize(
    "text", ["", "2004", "20041319", "20040230", "2004.0119", "2004-01-19", "٢٠٠٤٠١١٩", "00000101"]
)
def test_what_is_no_date(text):
    assert parse_date(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("07", time(7)),
        ("0727", time(7, 27)),
        ("072731", time(7, 27, 31)),
        ("072731.5", time(7, 27, 31, 500_000)),
        ("072731.000001 ", time(7, 27, 31, 1)),
        ("07:27:31", time(7, 27, 31)),
        ("235960", time(23, 59, 59)),
    ],
)
def test_times(text, expected):
    assert parse_time(text) == expected


@pytest.mark.parametrize(
    "text", ["", "7", "24", "0760", "072761", "0727.5", "072731.", "072731.1234567", "noon"]
)
def test_what_is_no_time(text):
    assert parse_time(text) is None


@pytest.mark.parametrize(
    ("text", "earliest", "latest"),
    [
        ("20040119", date(2004, 1, 19), date(2004, 1, 19)),
        ("20040119-20040120", date(2004, 1, 19), date(2004, 1, 20)),
        ("20040119-", date(2004, 1, 19), None),
        ("-20040119", None, date(2004, 1, 19)),
        (" 20040119 - 20040120 ", date(2004, 1, 19), date(2004, 1, 20)),
    ],
)
def test_ranges_of_dates(text, earliest, latest):
    assert DateRange.parse(text) == DateRange(earliest, latest)


@pytest.mark.parametrize(
    ("text", "earliest", "latest"),
    [
        ("10-11", time(10), time(11, 59, 59, LAST)),
        ("1015", time(10, 15), time(10, 15, 59, LAST)),
        ("101530", time(10, 15, 30), time(10, 15, 30, LAST)),
        ("101530.25", time(10, 15, 30, 250_000), time(10, 15, 30, 259_999)),
        ("-23:30", None, time(23, 30, 59, LAST)),
        ("235960-", time(23, 59, 59), None),
    ],
)
def test_ranges_of_times(text, earliest, latest):
    assert TimeRange.parse(text) == TimeRange(earliest, latest)


@pytest.mark.parametrize(
    "text", ["", "-", " ", "x", "2004", "20040119-x", "20040119-20040120-20040121", "--20040119"]
)
def test_what_is_no_range(text):
    with pytest.raises(RangeInvalid):
        DateRange.parse(text)
    with pytest.raises(RangeInvalid):
        TimeRange.parse("x" if text == "2004" else text)


@given(text=st.text("0123456789-:. ", max_size=20))
def test_any_text_is_a_range_or_is_refused(text):
    for kind in (DateRange, TimeRange):
        try:
            found = kind.parse(text)
        except RangeInvalid:
            continue
        assert found.earliest is not None or found.latest is not None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Adams^John", PersonName("Adams^John")),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", PersonName("Yamada^Tarou", "山田^太郎", "やまだ^たろう")),
        ("=山田", PersonName("", "山田")),
        ("", PersonName()),
    ],
)
def test_the_groups_of_a_name(text, name):
    assert PersonName.parse(text) == name
