"""The query string of a search, parsed. PS3.18 8.3.4, 10.6.1.2."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timezone

from dicomhub.archive.match_rules import MatchRules
from dicomhub.standard.attributes import keyword_of, tag_of, vr_of
from dicomhub.standard.moment import parse_offset

ALL = "all"
_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)
_TAG = re.compile(r"[0-9A-Fa-f]{8}", re.ASCII)
_NEGOTIATED_ELSEWHERE = {"accept", "charset"}
_MANNERS = {"fuzzymatching", "emptyvaluematching", "multiplevaluematching"}
# Says how other keys are encoded or meant, and is matched with nothing.
_CHARACTER_SET, _TIME_ZONE = "SpecificCharacterSet", "TimezoneOffsetFromUTC"
# What the service says of a resource and no instance has.
_ONLY_ANSWERED = {"RetrieveURL", "InstanceAvailability"}
_NAME_SHOWN = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)


class QueryInvalid(ValueError):
    """A parameter that cannot be understood or answered; parameter is its name as the client wrote it."""

    def __init__(self, parameter: str, reason: str) -> None:
        super().__init__(f"{parameter}: {reason}")
        self.parameter = parameter
        self.reason = reason


class TooManyUids(Exception):
    """A list of more UIDs than the service looks for at once."""

    def __init__(self, parameter: str, most: int) -> None:
        super().__init__(f"more than {most} UIDs: ask in several searches")
        self.parameter = parameter


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuery:
    """matches: the values to match by keyword, Sequence.Keyword for what is in a sequence's items.

    include_tags: further tags to return (None: all there are). limit: None when the client did not say.
    ignored: the names of parameters that are none of ours, those that can be shown.
    """

    matches: dict[str, str]
    rules: MatchRules
    include_tags: frozenset[str] | None
    limit: int | None
    offset: int
    ignored: tuple[str, ...]


def parse_search_query(pairs: Iterable[tuple[str, str]], *, max_uids: int) -> SearchQuery:
    """Read the decoded name and value pairs of a query string. Raises QueryInvalid, TooManyUids."""
    reader = _Reader(max_uids)
    for name, value in pairs:
        reader.read(name, value)
    return SearchQuery(
        matches=reader.matches,
        rules=MatchRules(
            is_fuzzy=reader.manners.get("fuzzymatching", False),
            is_empty_matched=reader.manners.get("emptyvaluematching", False),
            is_every_value_needed=reader.manners.get("multiplevaluematching", False),
            zone=reader.zone,
        ),
        include_tags=None if reader.is_everything_included else frozenset(reader.include_tags),
        limit=reader.numbers.get("limit"),
        offset=reader.numbers.get("offset", 0),
        ignored=tuple(dict.fromkeys(reader.ignored)),
    )


class _Reader:
    def __init__(self, max_uids: int) -> None:
        self.matches: dict[str, str] = {}
        self.include_tags: set[str] = set()
        self.is_everything_included = False
        self.numbers: dict[str, int] = {}
        self.manners: dict[str, bool] = {}
        self.zone: timezone | None = None
        self.ignored: list[str] = []
        self._max_uids = max_uids

    def read(self, name: str, value: str) -> None:
        match name:
            case "limit" | "offset":
                self._number(name, value)
            case "includefield":
                self._include(value)
            case _ if name in _MANNERS:
                self._manner(name, value)
            case _ if value and not value.strip("\0"):
                raise QueryInvalid(name[:64], "padding alone is no value")  # and must not match everything
            case _ if name not in _NEGOTIATED_ELSEWHERE:
                self._match(name, value)

    def _number(self, name: str, value: str) -> None:
        if name in self.numbers:
            raise QueryInvalid(name, "given more than once")
        if _NUMBER.fullmatch(value) is None:
            raise QueryInvalid(name, "not a whole number of up to nine digits")
        self.numbers[name] = int(value)

    def _include(self, value: str) -> None:
        """An attribute in a sequence's items is returned with all that its sequence has."""
        for name in filter(None, (part.strip() for part in value.split(","))):
            if name == ALL:
                self.is_everything_included = True
                continue
            tags = [tag_of(part) for part in name.split(".")]
            if None in tags:
                raise QueryInvalid("includefield", f"no attribute is called {name[:64]!r}")
            self._return(str(tags[0]))

    def _return(self, tag: str) -> None:
        """A private attribute with the one that says whose it is. PS3.5 7.8.1, PS3.18 10.6.3.3."""
        self.include_tags.add(tag)
        if int(tag[:4], 16) % 2 and tag[4:6] != "00":
            self.include_tags.add(f"{tag[:4]}00{tag[4:6]}")

    def _manner(self, name: str, value: str) -> None:
        if value.lower() not in {"true", "false"}:
            raise QueryInvalid(name, "neither true nor false")
        self.manners[name] = value.lower() == "true"

    def _match(self, name: str, value: str) -> None:
        tags = [tag_of(part) for part in name.split(".")]  # a path leads into the items of a sequence
        if None in tags:
            if _NAME_SHOWN.fullmatch(name):
                self.ignored.append(name)
            return
        keywords = [keyword_of(str(tag)) for tag in tags]
        if None in keywords or keywords[0] in _ONLY_ANSWERED:
            raise QueryInvalid(name[:64], "this attribute cannot be matched")
        keyword = ".".join(filter(None, keywords))
        if keyword == _CHARACTER_SET:
            return
        self._return(str(tags[0]))  # what is matched is returned, too
        if not value:
            return  # universal matching: whatever the value is
        if keyword == _TIME_ZONE:
            self._zone(name, value)
        elif keyword not in self.matches:
            self.matches[keyword] = value
        elif vr_of(str(tags[-1])) == "UI":
            self.matches[keyword] += f",{value}"
        else:
            raise QueryInvalid(name[:64], "given more than once")
        if vr_of(str(tags[-1])) == "UI" and len(re.split(r"[,\\]", self.matches[keyword])) > self._max_uids:
            raise TooManyUids(name[:64], self._max_uids)

    def _zone(self, name: str, value: str) -> None:
        self.zone = parse_offset(value)
        if self.zone is None and value.strip("*"):
            raise QueryInvalid(name, "not an offset from UTC")
