"""Matching in Python, for attributes that are in the documents and not in the database. PS3.4 C.2.2.2."""

import fnmatch
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from math import isfinite
from typing import Any

from dicomhub.archive.person_name import folded_names, name_patterns
from dicomhub.dicomweb.search.query import QueryInvalid
from dicomhub.standard.attributes import tag_of, vr_of
from dicomhub.standard.value import DateRange, TimeRange, parse_date, parse_time

Matcher = Callable[[Any], bool]
"""Says of one value of an attribute, as the DICOM JSON Model has it, whether it matches."""


def instance_filter(matches: Mapping[str, str]) -> Callable[[dict[str, Any]], bool]:
    """Compile matches (keyword to value) to a test of an instance's model. Raises QueryInvalid.

    Sequence.Keyword is matched by the items of the sequence, by any of them.
    A value made of nothing but * matches whatever is there, and what is not there too (C.2.2.2.4).
    """
    matchers = [
        (path_of(keyword), _matcher(keyword, value)) for keyword, value in matches.items() if value.strip("*")
    ]

    def is_match(model: dict[str, Any]) -> bool:
        return all(any(map(matcher, _values(model, path))) for path, matcher in matchers)

    return is_match


def path_of(keyword: str) -> tuple[str, ...]:
    """The tags of a keyword, or of Sequence.Keyword."""
    return tuple(str(tag_of(part)) for part in keyword.split("."))


def _values(model: Any, path: tuple[str, ...]) -> Iterator[Any]:
    tag, *below = path
    values = model.get(tag, {}).get("Value", ()) if isinstance(model, dict) else ()
    if not below:
        yield from values
        return
    for item in values:
        yield from _values(item, tuple(below))


def _matcher(keyword: str, value: str) -> Matcher:
    vr = vr_of(path_of(keyword)[-1])
    if vr not in _MATCHERS:
        raise QueryInvalid(keyword, f"matching by {vr or 'this kind of'} attribute is not supported here")
    try:
        return _MATCHERS[vr](value)
    except ValueError:
        raise QueryInvalid(keyword, f"not a value of {keyword} ({vr})") from None


def _uids(value: str) -> Matcher:
    return _one_of(part.strip(" \0") for part in re.split(r"[,\\]", value))


def _one_of(values: Iterable[str]) -> Matcher:
    wanted = set(filter(None, values))
    return lambda found: found in wanted


def _text(value: str) -> Matcher:
    """Any of several values, with a backslash between them: no value of these VRs holds one."""
    return _any_pattern(value.split("\\"))


def _any_pattern(texts: Iterable[str]) -> Matcher:
    # fnmatch's patterns take linear time whatever is asked; only its brackets are no part of the standard.
    patterns = [re.compile(fnmatch.translate(text.strip().replace("[", "[[]"))) for text in texts]
    return lambda found: isinstance(found, str) and any(each.match(found.strip()) for each in patterns)


def _person_name(value: str) -> Matcher:
    """As the database matches its names: case and accents folded, component by component."""
    is_folded_match = _any_pattern(name_patterns(value, is_list=True))

    def is_match(found: Any) -> bool:
        if not isinstance(found, dict):
            return False
        name = "=".join(found.get(group, "") for group in ("Alphabetic", "Ideographic", "Phonetic"))
        return is_folded_match(folded_names([name]))

    return is_match


def _number(value: str) -> Matcher:
    wanted = float(value)
    if not isfinite(wanted):
        raise ValueError(value)

    def is_match(found: Any) -> bool:
        with suppress(TypeError, ValueError):
            return float(found) == wanted
        return False

    return is_match


def _date(value: str) -> Matcher:
    wanted = DateRange.parse(value)

    def is_match(found: Any) -> bool:
        day = parse_date(found) if isinstance(found, str) else None
        return (
            day is not None
            and (wanted.earliest is None or wanted.earliest <= day)
            and (wanted.latest is None or day <= wanted.latest)
        )

    return is_match


def _time(value: str) -> Matcher:
    wanted = TimeRange.parse(value)

    def is_match(found: Any) -> bool:
        clock = parse_time(found) if isinstance(found, str) else None
        return (
            clock is not None
            and (wanted.earliest is None or wanted.earliest <= clock)
            and (wanted.latest is None or clock <= wanted.latest)
        )

    return is_match


_MATCHERS: dict[str, Callable[[str], Matcher]] = {
    "UI": _uids,
    "PN": _person_name,
    "DA": _date,
    "TM": _time,
    "CS": lambda value: _text(value.replace(",", "\\")),  # as the database does: no CS holds a comma
    **dict.fromkeys(("AE", "LO", "LT", "SH", "ST", "UC", "UR", "UT"), _text),
    **dict.fromkeys(("IS", "DS", "US", "SS", "UL", "SL", "UV", "SV", "FL", "FD"), _number),
    **dict.fromkeys(("AS", "AT"), lambda value: _one_of([value.upper()])),
}
