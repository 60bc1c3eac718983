"""How the values of a search are read, beyond what their VR says. PS3.18 8.3.4, PS3.4 C.2.2.2."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timezone
from typing import Final, TypeVar

from dicomhub.standard.attributes import tag_of, vr_of
from dicomhub.standard.moment import MomentRange
from dicomhub.standard.value import DateRange, RangeInvalid, TimeRange

Range = TypeVar("Range", DateRange, TimeRange)
EMPTY: Final = '""'
_WHOLE_DAY: Final = TimeRange(None, None)
# It is of the civil calendar where the patient was born: no clock of an examination shifts it.
_WITHOUT_ZONE: Final = {"PatientBirthDate"}
_SEVERAL_VALUED_VRS: Final = {"AE", "AS", "AT", "CS", "LO", "PN", "SH", "UC"}


class MatchInvalid(ValueError):
    """A value that cannot be one of this attribute."""

    def __init__(self, keyword: str, value: str) -> None:
        super().__init__(f"{keyword}: no value to match: {value[:80]!r}")
        self.keyword = keyword
        self.value = value


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchRules:
    """is_fuzzy: names word by word. is_empty_matched: "" finds what has no value.

    is_every_value_needed: of several values each one is to be found, not any. zone: of the search's dates,
    times and moments; None: that of whatever they are compared with.
    """

    is_fuzzy: bool = False
    is_empty_matched: bool = False
    is_every_value_needed: bool = False
    zone: timezone | None = None

    def asks_for_none(self, value: str) -> bool:
        return self.is_empty_matched and value.strip() == EMPTY

    def values(self, vr: str, value: str) -> tuple[list[str], bool]:
        """What stands between backslashes, and whether each of them is needed. Raises ValueError.

        Between values of CS a comma may stand as well: no CS holds one. PS3.4 C.2.2.2.8.
        """
        values = [each.strip() for each in (value.replace(",", "\\") if vr == "CS" else value).split("\\")]
        is_each_needed = self.is_every_value_needed and vr in _SEVERAL_VALUED_VRS and len(values) > 1
        if is_each_needed and any(map({"*", "?"}.intersection, values)):
            raise ValueError(value)
        return values, is_each_needed


LITERALLY: Final = MatchRules()


@dataclass(frozen=True, slots=True)
class MomentKey:
    """A date and its time, matched as one moment. A time that nobody asked for may be unknown."""

    date: str
    time: str
    wanted: MomentRange
    is_time_needed: bool


def split_moments(matches: Mapping[str, str], rules: MatchRules) -> tuple[list[MomentKey], dict[str, str]]:
    """The keys that are moments, and those that are left. Raises MatchInvalid.

    A date and its time are one where both are ranges of the same form (PS3.4 C.2.2.2.5); where the search has
    a time zone, a date is one even alone: days begin at that zone's midnight.
    """
    left = dict(matches)
    moments = []
    for keyword, text in matches.items():
        partner = keyword.removesuffix("Date") + "Time"
        if not keyword.endswith("Date") or _vr(keyword) != "DA" or _vr(partner) != "TM":
            continue
        clock = matches.get(partner, "")
        is_one = _form(text) is not None and _form(text) == _form(clock)
        is_day = _form(text) is not None and rules.zone is not None and keyword not in _WITHOUT_ZONE
        if is_one or is_day:
            dates = _parsed(DateRange.parse, keyword, text)
            times = _parsed(TimeRange.parse, partner, clock) if is_one else _WHOLE_DAY
            moments.append(
                MomentKey(keyword, partner, MomentRange.combined(dates, times, rules.zone), is_one)
            )
            del left[keyword]
            if is_one:
                del left[partner]
    return moments, left


def _vr(keyword: str) -> str | None:
    tag = tag_of(keyword.rpartition(".")[2])
    return tag and vr_of(tag)


def _form(text: str) -> tuple[bool, bool, bool] | None:
    """Whether a value has a first part, a hyphen, a last part; None for what is no value."""
    if not text.strip("* ") or text.strip() == EMPTY:
        return None
    first, hyphen, last = text.partition("-")
    return bool(first.strip()), bool(hyphen), bool(last.strip())


def _parsed(parse: Callable[[str], Range], keyword: str, text: str) -> Range:
    try:
        return parse(text)
    except RangeInvalid as error:
        raise MatchInvalid(keyword, text) from error
