"""Matching in Python, for attributes that are in the documents and not in the database. PS3.4 C.2.2.2."""

from collections.abc import Callable, Iterator, Mapping
from datetime import time
from functools import partial
from typing import Any

from dicomhub.archive.match_rules import LITERALLY, MatchRules, MomentKey, split_moments
from dicomhub.dicomweb.search.matchers import MATCHERS, Matcher, Model, parsed, zone_of
from dicomhub.dicomweb.search.query import QueryInvalid
from dicomhub.standard.attributes import tag_of, vr_of
from dicomhub.standard.moment import moment_of
from dicomhub.standard.value import parse_date, parse_time


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
    zone = zone_of(model)
    for of_date, of_time in zip(elements_at(model, dates), elements_at(model, times), strict=True):
        days = list(filter(None, map(parsed(parse_date), of_date.get("Value", []))))
        clocks = [clock for clock in map(parsed(parse_time), of_time.get("Value", [])) if clock is not None]
        if clocks and any(
            key.wanted.contains(moment_of(day, clock, zone)) for day in days for clock in clocks
        ):
            return True
        if not clocks and not key.is_time_needed:
            wanted = key.wanted.on_clocks_of(None)
            if any(wanted.contains(moment_of(day, time(12), None)) for day in days):
                return True
    return False


def _matcher(keyword: str, value: str, rules: MatchRules) -> Matcher:
    vr = vr_of(path_of(keyword)[-1])
    if vr not in MATCHERS:
        raise QueryInvalid(keyword, f"matching by {vr or 'this kind of'} attribute is not supported here")
    try:
        return MATCHERS[vr](value, rules)
    except ValueError:
        raise QueryInvalid(keyword, f"not a value of {keyword} ({vr})") from None
