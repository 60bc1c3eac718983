"""Moments: values of DT, dates with their times, and ranges of them. PS3.5 6.2, PS3.4 C.2.2.2.5.

A moment whose offset from UTC nobody knows is naive. It is compared with others by what clocks said: with one
whose offset is known, as if it had the same.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import Self

from dicomhub.standard.value import DateRange, RangeInvalid, TimeRange

_DATE_TIME = re.compile(
    r"(\d{4})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:\.(\d{1,6}))?)?)?)?)?)?([+-]\d{4})?",
    re.ASCII,
)
_OFFSET = re.compile(r"([+-])(\d{2})(\d{2})", re.ASCII)
_FIRST = ("", "01", "01", "00", "00", "00")
_MICROSECOND = timedelta(microseconds=1)


def parse_offset(text: str) -> timezone | None:
    """A Timezone Offset From UTC, -1200 to +1400; None for what is none. PS3.3 C.12.1.1.8."""
    match = _OFFSET.fullmatch(text.strip(" \0"))
    if match is None or int(match[3]) > 59:
        return None
    minutes = int(match[2]) * 60 + int(match[3])
    offset = timedelta(minutes=-minutes if match[1] == "-" else minutes)
    return timezone(offset) if timedelta(hours=-12) <= offset <= timedelta(hours=14) else None


def parse_moment(text: str) -> datetime | None:
    """The first moment that a DT stands for; None for what is no DT."""
    period = _period(text)
    return None if period is None else period[0]


def _period(text: str) -> tuple[datetime, datetime] | None:
    """The first and the last moment of a DT: one that leaves parts out stands for all that begin with it."""
    match = _DATE_TIME.fullmatch(text.strip(" \0"))
    if match is None:
        return None
    *parts, fraction, offset = match.groups()
    zone = parse_offset(offset) if offset else None
    if offset and zone is None:
        return None
    numbers = [int(part or first) for part, first in zip(parts, _FIRST, strict=True)]
    numbers[5] = min(numbers[5], 59)  # Python knows no leap second
    try:
        first = datetime(*numbers, int((fraction or "").ljust(6, "0")), tzinfo=zone)  # type: ignore[arg-type, misc]
        return first, _next(first, sum(map(bool, parts)), len(fraction or "")) - _MICROSECOND
    except (ValueError, OverflowError):
        return None


def _next(moment: datetime, precision: int, fraction_digits: int) -> datetime:
    match precision:
        case 1:
            return moment.replace(year=moment.year + 1)
        case 2:
            return (moment.replace(day=28) + timedelta(days=4)).replace(day=1)
        case 3:
            return moment + timedelta(days=1)
        case 4:
            return moment + timedelta(hours=1)
        case 5:
            return moment + timedelta(minutes=1)
        case _:
            return moment + timedelta(microseconds=10 ** (6 - fraction_digits))


@dataclass(frozen=True, slots=True)
class MomentRange:
    """Moments from earliest to latest, both included; None where the range is open."""

    earliest: datetime | None
    latest: datetime | None

    @classmethod
    def parse(cls, text: str, zone: timezone | None = None) -> Self:
        """Read one DT, or "a-b", "a-", "-b". Raises RangeInvalid.

        What can be one value with an offset is that, and no range: 20260102-0500. zone is that of the values
        without an offset.
        """
        one = _period(text)
        if one is not None:
            return cls(_in_zone(one[0], zone), _in_zone(one[1], zone))
        for hyphen in (found.start() for found in re.finditer("-", text)):
            first, last = text[:hyphen].strip(" \0"), text[hyphen + 1 :].strip(" \0")
            begin, end = _period(first), _period(last)
            if (begin or not first) and (end or not last) and (first or last):
                return cls(begin and _in_zone(begin[0], zone), end and _in_zone(end[1], zone))
        raise RangeInvalid(text)

    @classmethod
    def combined(cls, dates: DateRange, times: TimeRange, zone: timezone | None) -> Self:
        """From the first time of the first date to the last time of the last one. PS3.4 C.2.2.2.5."""
        first, last = dates.earliest, dates.latest
        return cls(
            None if first is None else moment_of(first, times.earliest or time.min, zone),
            None if last is None else moment_of(last, times.latest or time.max, zone),
        )

    def contains(self, moment: datetime) -> bool:
        return (self.earliest is None or not _is_before(moment, self.earliest)) and (
            self.latest is None or not _is_before(self.latest, moment)
        )

    def on_clocks_of(self, zone: timezone | None) -> "MomentRange":
        """The same range, naive: what clocks of this zone say (None: of the range's own zone)."""
        return MomentRange(
            self.earliest and _on_clock(self.earliest, zone), self.latest and _on_clock(self.latest, zone)
        )


def moment_of(day: date, clock: time, zone: timezone | None) -> datetime:
    return datetime.combine(day, clock, tzinfo=zone)


def _in_zone(moment: datetime, zone: timezone | None) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _is_before(one: datetime, other: datetime) -> bool:
    if (one.tzinfo is None) != (other.tzinfo is None):
        one, other = one.replace(tzinfo=None), other.replace(tzinfo=None)
    return one < other


def _on_clock(moment: datetime, zone: timezone | None) -> datetime:
    if moment.tzinfo is None or zone is None:
        return moment.replace(tzinfo=None)
    try:
        return moment.astimezone(zone).replace(tzinfo=None)
    except OverflowError:  # in the year 1 or 9999
        return moment.replace(tzinfo=None)
