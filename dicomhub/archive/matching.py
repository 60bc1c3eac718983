"""Conditions from a search's values. PS3.4 C.2.2.2, PS3.18 8.3.4.

Each VR has its kinds of matching: single value and list for UI, ranges for DA and TM, numbers for IS,
wildcards and lists (a backslash between the values) for the other texts, names by component or word by word.
An empty value, or * alone, matches everything.
"""

import operator
from collections.abc import Callable
from functools import reduce

from django.db.models import Q

import dicomhub.archive.lookups  # noqa: F401 - registers __wildcard
from dicomhub.archive.columns import Column
from dicomhub.archive.match_rules import MatchInvalid, MatchRules
from dicomhub.archive.person_name import name_patterns, patterns_within, word_patterns
from dicomhub.archive.typed_value import TEXT_MAX_LENGTH, clean_text
from dicomhub.standard.uid import is_uid
from dicomhub.standard.value import DateRange, RangeInvalid, TimeRange

_WILDCARD_VRS = {"AE", "CS", "LO", "LT", "SH", "ST", "UC", "UR", "UT"}


class MatchUnsupported(ValueError):
    """There is no column by which this attribute could be matched."""

    def __init__(self, keyword: str) -> None:
        super().__init__(f"{keyword[:64]} cannot be matched")
        self.keyword = keyword


def condition(column: Column, value: str, path: str, rules: MatchRules) -> Q:
    """What rows have to fulfil; path leads to the column's model ("study__"). Raises MatchInvalid."""
    value = clean_text(value)
    if rules.asks_for_none(value):
        return _without_value(column, path)
    if not value.strip("*"):
        return Q()
    try:
        return _MATCHERS.get(column.vr, _text)(column, value, path + column.name, rules)
    except (RangeInvalid, ValueError) as error:
        raise MatchInvalid(column.keyword, value) from error


def _without_value(column: Column, path: str) -> Q:
    if column.vr in {"DA", "TM", "IS"}:  # null is also what the column could not take
        is_null = Q(**{f"{path}{column.name}__isnull": True})
        return is_null & ~Q(**{f"{path}verbatim__has_key": column.keyword})
    return Q(**{f"{path}{column.name}": ""})


def _any_of(conditions: list[Q]) -> Q:
    return reduce(operator.or_, conditions)


def _combined(conditions: list[Q], *, is_each_needed: bool) -> Q:
    return reduce(operator.and_ if is_each_needed else operator.or_, conditions)


def _uid(column: Column, value: str, field: str, _rules: MatchRules) -> Q:
    uids = [uid.strip() for uid in value.replace("\\", ",").split(",")]
    if not all(map(is_uid, uids)):
        raise ValueError(value)
    if column.is_list:
        return _any_of([Q(**{f"{field}__wildcard": f"*\\{uid}\\*"}) for uid in uids])
    return Q(**{f"{field}__in": uids}) if len(uids) > 1 else Q(**{field: uids[0]})


def _date(_column: Column, value: str, field: str, _rules: MatchRules) -> Q:
    wanted = DateRange.parse(value)
    return _between(field, wanted.earliest, wanted.latest)


def _time(_column: Column, value: str, field: str, _rules: MatchRules) -> Q:
    wanted = TimeRange.parse(value)
    return _between(field, wanted.earliest, wanted.latest)


def _between(field: str, earliest: object, latest: object) -> Q:
    least = Q() if earliest is None else Q(**{f"{field}__gte": earliest})
    return least if latest is None else least & Q(**{f"{field}__lte": latest})


def _integer(_column: Column, value: str, field: str, _rules: MatchRules) -> Q:
    return Q(**{field: int(value)})


def _name(column: Column, value: str, field: str, rules: MatchRules) -> Q:
    values, is_each_needed = rules.values(column.vr, value)
    of_one = _fuzzy_name if rules.is_fuzzy else _one_name
    return _combined([of_one(column, each, field) for each in values], is_each_needed=is_each_needed)


def _one_name(column: Column, value: str, field: str) -> Q:
    patterns = name_patterns(value, is_list=column.is_list)
    return _any_of([Q(**{f"{field}_folded__wildcard": pattern}) for pattern in patterns])


def _fuzzy_name(_column: Column, value: str, field: str) -> Q:
    """Every word begins one of the name's; the names are read one by one, see name_words for patients'."""
    words = Q()
    for word in word_patterns(value):
        words &= _any_of([Q(**{f"{field}_folded__wildcard": pattern}) for pattern in patterns_within(word)])
    return words


def _text(column: Column, value: str, field: str, rules: MatchRules) -> Q:
    values, is_each_needed = rules.values(column.vr, value)
    conditions = [_one_text(column, single, field) for single in values]
    return _combined(conditions, is_each_needed=is_each_needed)


def _one_text(column: Column, value: str, field: str) -> Q:
    is_pattern = column.vr in _WILDCARD_VRS and not {"*", "?"}.isdisjoint(value)
    if column.is_list:
        return Q(**{f"{field}__wildcard": f"*\\{value}\\*"})
    if is_pattern:
        return Q(**{f"{field}__wildcard": value})
    return Q(**{field: value[:TEXT_MAX_LENGTH]})


_MATCHERS: dict[str, Callable[[Column, str, str, MatchRules], Q]] = {
    "UI": _uid,
    "DA": _date,
    "TM": _time,
    "IS": _integer,
    "PN": _name,
}
