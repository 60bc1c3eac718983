"""Matching in Python, for attributes that are in the documents and not in the database. PS3.4 C.2.2.2."""

import fnmatch
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import time
from functools import partial
from math import isfinite
from typing import Any

from dicomhub.archive.match_rules import LITERALLY, MatchRules, MomentKey, split_moments
from dicomhub.archive.person_name import folded_names, name_patterns, word_patterns, words_of
from dicomhub.dicomweb.search.query import QueryInvalid
from dicomhub.standard.attributes import tag_of, vr_of
from dicomhub.standard.moment import MomentRange, moment_of, parse_moment, parse_offset
from dicomhub.standard.value import DateRange, TimeRange, parse_date, parse_time

Model = dict[str, Any]
Matcher = Callable[[list[Any], Model], bool]
"""Says of an attribute's values, as the DICOM JSON Model has them, and of the instance whether they match."""
_OFFSET = "00080201"


def instance_filter(matches: Mapping[str, str], rules: MatchRules = LITERALLY) -> Callable[[Model], bool]:
    """Compile matches (keyword to value) to a test of an instance's model. Raises QueryInvalid, MatchInvalid.

    Sequence.Keyword is matched by the items of the sequence, by any of them.
    A value made of nothing but * matches whatever is there, and what is not there too (C.2.2.2.4).
    """
    moments, others = split_moments(matches, rules)
    tests: list[Callable[[Model], bool]] = [partial(_is_moment_match, key) for key in moments]
    for keyword, value in others.items():
        if rules.asks_for_none(value):
            tests.append(partial(_is_without_value, path_of(keyword)))
        elif value.strip("*"):
            tests.append(partial(_is_match, path_of(keyword), _matcher(keyword, value, rules)))
    return lambda model: all(test(model) for test in tests)


def path_of(keyword: str) -> tuple[str, ...]:
    """The tags of a keyword, or of Sequence.Keyword."""
    return tuple(str(tag_of(part)) for part in keyword.split("."))


def _is_match(path: tuple[str, ...], matcher: Matcher, model: Model) -> bool:
    return any(matcher(element.get("Value", []), model) for element in elements_at(model, path))


def _is_without_value(path: tuple[str, ...], model: Model) -> bool:
    """It is absent or empty, in every item where the path leads into a sequence. PS3.4 C.2.2.2.7."""
    return not any(
        any(each not in (None, "", {}) for each in element.get("Value", ()))
        or not element.keys().isdisjoint({"BulkDataURI", "InlineBinary"})
        for element in elements_at(model, path)
    )


def elements_at(model: Any, path: tuple[str, ...]) -> Iterator[Model]:
    """The element of this path, one for each item that its sequences have; an absent one is empty."""
    tag, *below = path
    element = (model.get(tag) if isinstance(model, dict) else None) or {}
    if not below:
        yield element
        return
    for item in element.get("Value") or [{}]:
        yield from elements_at(item, tuple(below))


def _is_moment_match(key: MomentKey, model: Model) -> bool:
    dates, times = path_of(key.date), path_of(key.time)
    zone = _zone_of(model)
    for of_date, of_time in zip(elements_at(model, dates), elements_at(model, times), strict=True):
        days = list(filter(None, map(_parsed(parse_date), of_date.get("Value", []))))
        clocks = [clock for clock in map(_parsed(parse_time), of_time.get("Value", [])) if clock is not None]
        if clocks and any(
            key.wanted.contains(moment_of(day, clock, zone)) for day in days for clock in clocks
        ):
            return True
        if not clocks and not key.is_time_needed:
            wanted = key.wanted.on_clocks_of(None)
            if any(wanted.contains(moment_of(day, time(12), None)) for day in days):
                return True
    return False


def _parsed(parse: Callable[[str], Any]) -> Callable[[Any], Any]:
    return lambda value: parse(value) if isinstance(value, str) else None


def _zone_of(model: Model) -> Any:
    offsets = model.get(_OFFSET, {}).get("Value") or [""]
    return parse_offset(str(offsets[0]))


def _matcher(keyword: str, value: str, rules: MatchRules) -> Matcher:
    vr = vr_of(path_of(keyword)[-1])
    if vr not in _MATCHERS:
        raise QueryInvalid(keyword, f"matching by {vr or 'this kind of'} attribute is not supported here")
    try:
        return _MATCHERS[vr](value, rules)
    except ValueError:
        raise QueryInvalid(keyword, f"not a value of {keyword} ({vr})") from None


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
        zone = _zone_of(model)
        moments = filter(None, map(_parsed(parse_moment), found))
        return any(
            wanted.contains(moment if moment.tzinfo else moment.replace(tzinfo=zone)) for moment in moments
        )

    return is_match


def _code(value: str, rules: MatchRules) -> Matcher:
    return _each("AS", value, rules, lambda each: _one_of([each.upper()]))


_MATCHERS: dict[str, Callable[[str, MatchRules], Matcher]] = {
    "UI": _uids,
    "PN": _person_name,
    "DA": _date,
    "TM": _time,
    "DT": _date_time,
    **{vr: partial(_text, vr) for vr in ("AE", "CS", "LO", "LT", "SH", "ST", "UC", "UR", "UT")},
    **dict.fromkeys(("IS", "DS", "US", "SS", "UL", "SL", "UV", "SV", "FL", "FD"), _number),
    **dict.fromkeys(("AS", "AT"), _code),
}
