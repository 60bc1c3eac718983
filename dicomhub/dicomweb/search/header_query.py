"""The keys of a search as the warehouse matches them: what instance_filter finds, and little more."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

from dicomhub.archive.match_rules import MatchRules, split_moments
from dicomhub.archive.person_name import group_pattern, word_patterns, word_patterns_in_group
from dicomhub.dicomweb.search.matching import path_of
from dicomhub.standard.attributes import vr_of
from dicomhub.standard.moment import MomentRange
from dicomhub.standard.value import DateRange, TimeRange
from tasks.warehouse.header_match import HeaderMatch, MatchKind

_Values = tuple[str | float, ...]
# Zones are at most 26 hours apart; the warehouse compares days, and the headers it finds are looked at again.
_MARGIN = timedelta(days=2)


def header_matches(matches: Mapping[str, str], rules: MatchRules) -> tuple[HeaderMatch, ...]:
    """matches: keyword to value, of those that instance_filter takes."""
    moments, others = split_moments(matches, rules)
    of_moments = (HeaderMatch(path_of(key.date), MatchKind.RANGE, _days(key.wanted)) for key in moments)
    of_others = (
        match
        for keyword, value in others.items()
        if value.strip("*")
        for match in _matches(path_of(keyword), value, rules)
    )
    return (*of_moments, *of_others)


def is_exact(matches: Mapping[str, str], rules: MatchRules) -> bool:
    """Whether the warehouse finds nothing more than instance_filter does."""
    moments, others = split_moments(matches, rules)
    kinds = {match.kind for match in header_matches(others, rules)}
    vrs = {vr_of(path_of(keyword)[-1]) for keyword in others}
    return not moments and "DT" not in vrs and not kinds & {MatchKind.NAME, MatchKind.EMPTY}


def _matches(path: tuple[str, ...], value: str, rules: MatchRules) -> Iterator[HeaderMatch]:
    vr = str(vr_of(path[-1]))
    if rules.asks_for_none(value):
        yield HeaderMatch(path, MatchKind.EMPTY, ("",))
    elif vr == "PN":
        yield from _name_matches(path, value, rules)
    elif vr in _SINGLE:
        kind, values_of = _SINGLE[vr]
        yield HeaderMatch(path, kind, values_of(value))
    elif vr == "DT":
        yield HeaderMatch(path, MatchKind.RANGE, _days(MomentRange.parse(value)))
    else:
        kind = MatchKind.EQUAL if vr in {"AS", "AT"} else MatchKind.WILDCARD
        values, is_each_needed = rules.values(vr, value.upper() if kind is MatchKind.EQUAL else value)
        for some in [(each,) for each in values] if is_each_needed else [tuple(values)]:
            yield HeaderMatch(path, kind, some)


def _name_matches(path: tuple[str, ...], value: str, rules: MatchRules) -> Iterator[HeaderMatch]:
    values, is_each_needed = rules.values("PN", value)
    if not rules.is_fuzzy:
        patterns = tuple(map(group_pattern, values))
        for some in [(each,) for each in patterns] if is_each_needed else [patterns]:
            yield HeaderMatch(path, MatchKind.NAME, some)
    elif len(values) == 1 or is_each_needed:
        for word in dict.fromkeys(word for each in values for word in word_patterns(each)):
            yield HeaderMatch(path, MatchKind.NAME, tuple(word_patterns_in_group(word)))
    else:
        words = (word for each in values for word in word_patterns(each))
        yield HeaderMatch(
            path, MatchKind.NAME, tuple(p for word in words for p in word_patterns_in_group(word))
        )


def _uids(value: str) -> _Values:
    uids = (part.strip(" \0") for part in re.split(r"[,\\]", value))
    return tuple(filter(None, uids)) or ("",)


def _dates(value: str) -> _Values:
    wanted = DateRange.parse(value)
    return tuple("" if end is None else f"{end:%Y%m%d}" for end in (wanted.earliest, wanted.latest))


def _times(value: str) -> _Values:
    wanted = TimeRange.parse(value)
    return tuple("" if end is None else f"{end:%H%M%S%f}" for end in (wanted.earliest, wanted.latest))


def _days(wanted: MomentRange) -> _Values:
    earliest, latest = "", ""
    if wanted.earliest is not None and wanted.earliest.year > 1:
        earliest = _day(wanted.earliest - _MARGIN)
    if wanted.latest is not None and wanted.latest.year < 9999:
        latest = _day(wanted.latest + _MARGIN) + "2359"
    return earliest, latest


def _day(moment: datetime) -> str:
    return moment.date().isoformat().replace("-", "")


_SINGLE: dict[str, tuple[MatchKind, Callable[[str], _Values]]] = {
    "UI": (MatchKind.EQUAL, _uids),
    "DA": (MatchKind.RANGE, _dates),
    "TM": (MatchKind.RANGE, _times),
    **dict.fromkeys(
        ("IS", "DS", "US", "SS", "UL", "SL", "UV", "SV", "FL", "FD"),
        (MatchKind.NUMBER, lambda value: (float(value),)),
    ),
}
