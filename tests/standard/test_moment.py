from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest

from dicomhub.standard.moment import MomentRange, moment_of, parse_moment, parse_offset
from dicomhub.standard.value import DateRange, RangeInvalid, TimeRange

BERLIN = timezone(timedelta(hours=1))


@pytest.mark.parametrize(
    ("text", "minutes"), [("+0100", 60), ("-0330", -210), ("+1400", 840), ("-1200", -720), ("+0000", 0)]
)
def test_offsets(text, minutes):
    assert parse_offset(text) == timezone(timedelta(minutes=minutes))


@pytest.mark.parametrize("text", ["", "0100", "+1", "+1500", "-1300", "+0160", "+01:00", "Z"])
def test_what_is_no_offset(text):
    assert parse_offset(text) is None


def test_a_moment_is_the_first_that_its_text_stands_for():
    assert parse_moment("2026") == datetime(2026, 1, 1)
    assert parse_moment("20260102030405.5+0100") == datetime(2026, 1, 2, 3, 4, 5, 500_000, BERLIN)
    assert parse_moment("20261301") is None
    assert parse_moment("20260101-9900") is None


@pytest.mark.parametrize(
    ("text", "earliest", "latest"),
    [
        ("2026", "20260101", "20261231235959.999999"),
        ("202602", "20260201", "20260228235959.999999"),
        ("2026010203", "2026010203", "20260102035959.999999"),
        ("20260102030405.5", "20260102030405.5", "20260102030405.599999"),
        ("2025-2026", "2025", "20261231235959.999999"),
        ("2026-", "2026", None),
        ("-2026", None, "20261231235959.999999"),
        ("20260101-0500", "20260101-0500", "20260101235959.999999-0500"),
        ("20260101-0500-20260102-0500", "20260101-0500", "20260102235959.999999-0500"),
    ],
)
def test_ranges(text, earliest, latest):
    ends = (earliest and parse_moment(earliest), latest and parse_moment(latest))
    assert MomentRange.parse(text) == MomentRange(*ends)


@pytest.mark.parametrize("text", ["", "-", "yesterday", "2026-13-01", "2026--2027"])
def test_what_is_no_range(text):
    with pytest.raises(RangeInvalid):
        MomentRange.parse(text)


def test_a_date_and_its_time_are_one_period():
    wanted = MomentRange.combined(DateRange.parse("20060705-20060707"), TimeRange.parse("10-18"), None)
    assert wanted.contains(datetime(2006, 7, 6, 3))
    assert not wanted.contains(datetime(2006, 7, 5, 9))
    assert wanted.contains(datetime(2006, 7, 7, 18, 59))
    assert not wanted.contains(datetime(2006, 7, 7, 19))


def test_zones_count_where_both_are_known():
    wanted = MomentRange.combined(DateRange.parse("20260102"), TimeRange(None, None), BERLIN)
    assert wanted.contains(datetime(2026, 1, 1, 23, 30, tzinfo=UTC))
    assert not wanted.contains(datetime(2026, 1, 2, 23, 30, tzinfo=UTC))
    assert wanted.contains(moment_of(date(2026, 1, 2), time(23, 30), None))
    assert wanted.on_clocks_of(UTC).earliest == datetime(2026, 1, 1, 23)
