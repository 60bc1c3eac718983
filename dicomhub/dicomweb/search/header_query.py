"""The keys of a search as the warehouse matches them: what instance_filter finds, and little more."""

import re
from collections.abc import Callable, Mapping

from dicomhub.archive.person_name import group_pattern
from dicomhub.dicomweb.search.matching import path_of
from dicomhub.standard.attributes import vr_of
from dicomhub.standard.value import DateRange, TimeRange
from tasks.warehouse.header_match import HeaderMatch, MatchKind

_Values = tuple[str | float, ...]


def header_matches(matches: Mapping[str, str]) -> tuple[HeaderMatch, ...]:
    """matches: keyword to value, of those that instance_filter takes."""
    return tuple(_match(keyword, value) for keyword, value in matches.items() if value.strip("*"))


def _match(keyword: str, value: str) -> HeaderMatch:
    path = path_of(keyword)
    kind, values_of = _KINDS[str(vr_of(path[-1]))]
    return HeaderMatch(path, kind, values_of(value))


def _uids(value: str) -> _Values:
    uids = (part.strip(" \0") for part in re.split(r"[,\\]", value))
    return tuple(filter(None, uids)) or ("",)


def _texts(value: str) -> _Values:
    return tuple(part.strip() for part in value.split("\\"))


def _dates(value: str) -> _Values:
    wanted = DateRange.parse(value)
    return tuple("" if end is None else f"{end:%Y%m%d}" for end in (wanted.earliest, wanted.latest))


def _times(value: str) -> _Values:
    wanted = TimeRange.parse(value)
    return tuple("" if end is None else f"{end:%H%M%S%f}" for end in (wanted.earliest, wanted.latest))


_KINDS: dict[str, tuple[MatchKind, Callable[[str], _Values]]] = {
    "UI": (MatchKind.EQUAL, _uids),
    "PN": (MatchKind.NAME, lambda value: (group_pattern(value),)),
    "DA": (MatchKind.RANGE, _dates),
    "TM": (MatchKind.RANGE, _times),
    "CS": (MatchKind.WILDCARD, lambda value: _texts(value.replace(",", "\\"))),
    **dict.fromkeys(("AE", "LO", "LT", "SH", "ST", "UC", "UR", "UT"), (MatchKind.WILDCARD, _texts)),
    **dict.fromkeys(
        ("IS", "DS", "US", "SS", "UL", "SL", "UV", "SV", "FL", "FD"),
        (MatchKind.NUMBER, lambda value: (float(value),)),
    ),
    **dict.fromkeys(("AS", "AT"), (MatchKind.EQUAL, lambda value: (value.upper(),))),
}
