"""Values of DA, TM and PN, and ranges of the first two. PS3.5 6.2, PS3.4 C.2.2.2.5."""

import re
from dataclasses import dataclass
from datetime import date, time
from typing import Self

_DATE = re.compile(r"(\d{4})(\.?)(\d{2})\2(\d{2})", re.ASCII)
_TIME = re.compile(r"(\d{2})(?::?(\d{2})(?::?(\d{2})(?:\.(\d{1,6}))?)?)?", re.ASCII)


class RangeInvalid(ValueError):
    """A value that is no date or time, and no range of them."""

    def __init__(self, text: str) -> None:
        super().__init__(f"neither a value nor a range of values: {text[:64]!r}")
        self.text = text


def parse_date(text: str) -> date | None:
    """A DA, or the 2004.01.19 of ACR-NEMA; None for what is no date."""
    match = _DATE.fullmatch(text.strip(" \0"))
    if match is None:
        return None
    try:
        return date(int(match[1]), int(match[3]), int(match[4]))
    except ValueError:
        return None


def parse_time(text: str) -> time | None:
    """A TM, to the hour, minute, second or fraction, or the 10:23:45 of ACR-NEMA; None for what is no time.

    Python knows no leap second: 60 becomes 59.
    """
    match = _TIME.fullmatch(text.strip(" \0"))
    if match is None:
        return None
    hour, minute, second = (int(part or 0) for part in match.group(1, 2, 3))
    microsecond = int((match[4] or "").ljust(6, "0"))
    try:
        return time(hour, minute, 59 if second == 60 else second, microsecond)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class DateRange:
    """Dates from earliest to latest, both included; None where the range is open."""

    earliest: date | None
    latest: date | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read one date, or "a-b", "a-", "-b". Raises RangeInvalid."""
        first, last = _range_ends(text)
        earliest, latest = parse_date(first), parse_date(last)
        if bool(first) != (earliest is not None) or bool(last) != (latest is not None):
            raise RangeInvalid(text)
        return cls(earliest, latest)


@dataclass(frozen=True, slots=True)
class TimeRange:
    """Times of day from earliest to latest, both included; None where the range is open.

    A time that leaves parts out stands for all times that begin with it: "10-11" ends at 11:59:59.999999.
    """

    earliest: time | None
    latest: time | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read one time, or "a-b", "a-", "-b". Raises RangeInvalid."""
        first, last = _range_ends(text)
        earliest, latest = parse_time(first), parse_time(_last_of(last))
        if bool(first) != (earliest is not None) or bool(last) != (latest is not None):
            raise RangeInvalid(text)
        return cls(earliest, latest)


def _range_ends(text: str) -> tuple[str, str]:
    first, separator, last = (part.strip(" \0") for part in text.partition("-"))
    if not separator:
        last = first
    if not first and not last:
        raise RangeInvalid(text)
    return first, last


def _last_of(text: str) -> str:
    """The last time that begins as this one does."""
    digits = text.replace(":", "")
    if not text or len(digits.partition(".")[0]) not in (2, 4, 6):
        return text
    clock, _, fraction = digits.partition(".")
    return f"{clock}{'5959'[len(clock) - 2 :]}.{fraction.ljust(6, '9')}"


@dataclass(frozen=True, slots=True)
class PersonName:
    """The component groups of a PN, each with its components divided by ^. PS3.5 6.2.1."""

    alphabetic: str = ""
    ideographic: str = ""
    phonetic: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        groups = [group.strip(" \0") for group in text.split("=", 2)]
        return cls(*groups)
