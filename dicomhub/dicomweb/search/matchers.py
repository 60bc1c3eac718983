"""One matcher for each VR: what a key's value finds in the DICOM JSON Model. PS3.4 C.2.2.2."""

import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from math import isfinite
from typing import Any, Final

from dicomhub.archive.match_rules import MatchRules
from dicomhub.archive.person_name import folded_names, name_patterns, word_patterns, words_of
from dicomhub.standard.moment import MomentRange, parse_moment, parse_offset
from dicomhub.standard.value import DateRange, TimeRange, parse_date, parse_time

Model = dict[str, Any]
Matcher = Callable[[list[Any], Model], bool]
"""Says of an attribute's values, as the DICOM JSON Model has them, and of the instance whether they match."""
_OFFSET = "00080201"


def parsed(parse: Callable[[str], Any]) -> Callable[[Any], Any]:
    return lambda value: parse(value) if isinstance(value, str) else None


def zone_of(model: Model) -> Any:
    offsets = model.get(_OFFSET, {}).get("Value") or [""]
    return parse_offset(str(offsets[0]))


def _any_value(test: Callable[[Any], bool]) -> Matcher:
    return lambda found, _model: any(map(test, found))


def _each(vr: str, value: str, rules: MatchRules, of_one: Callable[[str], Callable[[Any], bool]]) -> Matcher:
    """Any of several values with a backslash between them, or all of them. Raises ValueError."""
    values, is_each_needed = rules.values(vr, value)
    tests = [of_one(each) for each in values]
    wanted = all if is_each_needed else any
    return lambda found, _model: wanted(any(map(test, found)) for test in tests)


def _uids(value: str, _rules: MatchRules) -> Matcher:
    return _any_value(_one_of(part.strip(" \0") for part in re.split(r"[,\\]", value)))


def _one_of(values: Iterable[str]) -> Callable[[Any], bool]:
    wanted = set(filter(None, values))
    return lambda found: found in wanted if isinstance(found, str) else False


def _pattern(text: str) -> Callable[[Any], bool]:
    # fnmatch's patterns take linear time whatever is asked; only its brackets are no part of the standard.
    pattern = re.compile(fnmatch.translate(text.strip().replace("[", "[[]")))
    return lambda found: isinstance(found, str) and pattern.match(found.strip()) is not None


def _text(vr: str, value: str, rules: MatchRules) -> Matcher:
    return _each(vr, value, rules, _pattern)


def _person_name(value: str, rules: MatchRules) -> Matcher:
    """As the database matches its names: case and accents folded, component by component or word by word."""
    return _each("PN", value, rules, _fuzzy_name if rules.is_fuzzy else _one_name)


def _one_name(value: str) -> Callable[[Any], bool]:
    patterns = [_pattern(each) for each in name_patterns(value, is_list=True)]
    return lambda found: any(pattern(_folded(found)) for pattern in patterns)


def _fuzzy_name(value: str) -> Callable[[Any], bool]:
    patterns = [_pattern(each) for each in word_patterns(value)]

    def is_match(found: Any) -> bool:
        words = words_of(_folded(found))
        return bool(words) and all(any(map(pattern, words)) for pattern in patterns)

    return is_match


def _folded(found: Any) -> str:
    if not isinstance(found, dict):
        return ""
    return folded_names(
        ["=".join(found.get(group, "") for group in ("Alphabetic", "Ideographic", "Phonetic"))]
    )


def _number(value: str, _rules: MatchRules) -> Matcher:
    wanted = float(value)
    if not isfinite(wanted):
        raise ValueError(value)

    def is_match(found: Any) -> bool:
        with suppress(TypeError, ValueError):
            return float(found) == wanted
        return False

    return _any_value(is_match)


def _date(value: str, _rules: MatchRules) -> Matcher:
    return _within(DateRange.parse(value), parse_date)


def _time(value: str, _rules: MatchRules) -> Matcher:
    return _within(TimeRange.parse(value), parse_time)


def _within(wanted: DateRange | TimeRange, parse: Callable[[str], Any]) -> Matcher:
    earliest: Any = wanted.earliest
    latest: Any = wanted.latest

    def is_match(found: Any) -> bool:
        value = parse(found) if isinstance(found, str) else None
        return (
            value is not None
            and (earliest is None or earliest <= value)
            and (latest is None or value <= latest)
        )

    return _any_value(is_match)


def _date_time(value: str, rules: MatchRules) -> Matcher:
    wanted = MomentRange.parse(value, rules.zone)

    def is_match(found: list[Any], model: Model) -> bool:
        zone = zone_of(model)
        moments = filter(None, map(parsed(parse_moment), found))
        return any(
            wanted.contains(moment if moment.tzinfo else moment.replace(tzinfo=zone)) for moment in moments
        )

    return is_match


def _code(value: str, rules: MatchRules) -> Matcher:
    return _each("AS", value, rules, lambda each: _one_of([each.upper()]))


MATCHERS: Final[Mapping[str | None, Callable[[str, MatchRules], Matcher]]] = {
    "UI": _uids,
    "PN": _person_name,
    "DA": _date,
    "TM": _time,
    "DT": _date_time,
    **{vr: partial(_text, vr) for vr in ("AE", "CS", "LO", "LT", "SH", "ST", "UC", "UR", "UT")},
    **dict.fromkeys(("IS", "DS", "US", "SS", "UL", "SL", "UV", "SV", "FL", "FD"), _number),
    **dict.fromkeys(("AS", "AT"), _code),
}
"""By VR. Each raises ValueError for what is no value of it."""
