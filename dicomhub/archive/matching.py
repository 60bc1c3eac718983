"""Conditions from a search's values. PS3.4 C.2.2.2, PS3.18 8.3.4.

Each VR has its kinds of matching: single value and list for UI, ranges for DA and TM, numbers for IS,
wildcards and lists (a backslash between the values) for the other texts, names by component. An empty value,
or * alone, matches everything.
"""

import operator
from collections.abc import Callable
from functools import reduce

from django.db.models import Q

import dicomhub.archive.lookups  # noqa: F401 - registers __wildcard
from dicomhub.archive.columns import Column
from dicomhub.archive.person_name import name_patterns
from dicomhub.archive.typed_value import TEXT_MAX_LENGTH, clean_text
from dicomhub.standard.uid import is_uid
from dicomhub.standard.value import DateRange, RangeInvalid, TimeRange

_WILDCARD_VRS = {"AE", "CS", "LO", "LT", "SH", "ST", "UC", "UR", "UT"}


class MatchUnsupported(ValueError):
    """There is no column by which this attribute could be matched."""

    def __init__(self, keyword: str) -> None:
        super().__init__(f"{keyword[:64]} cannot be matched")
        self.keyword = keyword


class MatchInvalid(ValueError):
    """A value that cannot be one of this attribute."""

    def __init__(self, keyword: str, value: str) -> None:
        super().__init__(f"{keyword}: no value to match: {value[:80]!r}")
        self.keyword = keyword
        self.value = value


def condition(column: Column, value: str, path: str = "") -> Q:
    """What rows have to fulfil; path leads to the column's model ("study__"). Raises MatchInvalid."""
    value = clean_text(value)
    if not value.strip("*"):
        return Q()
    try:
        return _MATCHERS.get(column.vr, _text)(column, value, path + column.name)
    except (RangeInvalid, ValueError) as error:
        raise MatchInvalid(column.keyword, value) from error


def _any_of(conditions: list[Q]) -> Q:
    return reduce(operator.or_, conditions)


def _uid(column: Column, value: str, field: str) -> Q:
    uids = [uid.strip() for uid in value.replace("\\", ",").split(",")]
    if not all(map(is_uid, uids)):
        raise ValueError(value)
    if column.is_list:
        return _any_of([Q(**{f"{field}__wildcard": f"*\\{uid}\\*"}) for uid in uids])
    return Q(**{f"{field}__in": uids}) if len(uids) > 1 else Q(**{field: uids[0]})


def _date(_column: Column, value: str, field: str) -> Q:
    wanted = DateRange.parse(value)
    return _between(field, wanted.earliest, wanted.latest)


def _time(_column: Column, value: str, field: str) -> Q:
    wanted = TimeRange.parse(value)
    return _between(field, wanted.earliest, wanted.latest)


def _between(field: str, earliest: object, latest: object) -> Q:
    least = Q() if earliest is None else Q(**{f"{field}__gte": earliest})
    return least if latest is None else least & Q(**{f"{field}__lte": latest})


def _integer(_column: Column, value: str, field: str) -> Q:
    return Q(**{field: int(value)})


def _name(column: Column, value: str, field: str) -> Q:
    patterns = name_patterns(value, is_list=column.is_list)
    return _any_of([Q(**{f"{field}_folded__wildcard": pattern}) for pattern in patterns])


def _text(column: Column, value: str, field: str) -> Q:
    # No value holds a backslash, and none of CS a comma.
    values = (value.replace(",", "\\") if column.vr == "CS" else value).split("\\")
    return _any_of([_one_text(column, single.strip(), field) for single in values])


def _one_text(column: Column, value: str, field: str) -> Q:
    is_pattern = column.vr in _WILDCARD_VRS and not {"*", "?"}.isdisjoint(value)
    if column.is_list:
        return Q(**{f"{field}__wildcard": f"*\\{value}\\*"})
    if is_pattern:
        return Q(**{f"{field}__wildcard": value})
    return Q(**{field: value[:TEXT_MAX_LENGTH]})


_MATCHERS: dict[str, Callable[[Column, str, str], Q]] = {
    "UI": _uid,
    "DA": _date,
    "TM": _time,
    "IS": _integer,
    "PN": _name,
}
