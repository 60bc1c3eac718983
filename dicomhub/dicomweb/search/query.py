"""The query string of a search, parsed. PS3.18 8.3.4, 10.6.1.2."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from dicomhub.standard.attributes import keyword_of, tag_of, vr_of

ALL = "all"
_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)
_TAG = re.compile(r"[0-9A-Fa-f]{8}", re.ASCII)
_NEGOTIATED_ELSEWHERE = {"accept", "charset"}


class QueryInvalid(ValueError):
    """A parameter that cannot be understood or answered; parameter is its name as the client wrote it."""

    def __init__(self, parameter: str, reason: str) -> None:
        super().__init__(f"{parameter}: {reason}")
        self.parameter = parameter
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuery:
    """matches: the values to match by keyword, Sequence.Keyword for what is in a sequence's items.

    include_tags: further tags to return (None: all there are). limit: None when the client did not say.
    """

    matches: dict[str, str]
    include_tags: frozenset[str] | None
    limit: int | None
    offset: int
    is_fuzzy: bool


def parse_search_query(pairs: Iterable[tuple[str, str]]) -> SearchQuery:
    """Read the decoded name and value pairs of a query string. Raises QueryInvalid."""
    reader = _Reader()
    for name, value in pairs:
        reader.read(name, value)
    return SearchQuery(
        matches=reader.matches,
        include_tags=None if reader.is_everything_included else frozenset(reader.include_tags),
        limit=reader.numbers.get("limit"),
        offset=reader.numbers.get("offset", 0),
        is_fuzzy=reader.is_fuzzy,
    )


class _Reader:
    def __init__(self) -> None:
        self.matches: dict[str, str] = {}
        self.include_tags: set[str] = set()
        self.is_everything_included = False
        self.numbers: dict[str, int] = {}
        self.is_fuzzy = False

    def read(self, name: str, value: str) -> None:
        match name:
            case "limit" | "offset":
                self._number(name, value)
            case "includefield":
                self._include(value)
            case "fuzzymatching":
                self._fuzzy(value)
            case _ if name not in _NEGOTIATED_ELSEWHERE:
                self._match(name, value)

    def _number(self, name: str, value: str) -> None:
        if name in self.numbers:
            raise QueryInvalid(name, "given more than once")
        if _NUMBER.fullmatch(value) is None:
            raise QueryInvalid(name, "not a whole number of up to nine digits")
        self.numbers[name] = int(value)

    def _include(self, value: str) -> None:
        for name in filter(None, (part.strip() for part in value.split(","))):
            if name == ALL:
                self.is_everything_included = True
            elif _TAG.fullmatch(name):
                self.include_tags.add(name.upper())  # a private one too: it is returned where it is known
            elif (tag := tag_of(name)) is not None:
                self.include_tags.add(tag)
            else:
                raise QueryInvalid("includefield", f"no attribute is called {name[:64]!r}")

    def _fuzzy(self, value: str) -> None:
        if value.lower() not in {"true", "false"}:
            raise QueryInvalid("fuzzymatching", "neither true nor false")
        self.is_fuzzy = value.lower() == "true"

    def _match(self, name: str, value: str) -> None:
        tags = [tag_of(part) for part in name.split(".")]  # a path leads into the items of a sequence
        keywords = [keyword_of(tag) for tag in tags if tag]
        if None in keywords or len(keywords) < len(tags):
            raise QueryInvalid(name[:64], "this key is not supported")
        keyword = ".".join(filter(None, keywords))
        self.include_tags.add(str(tags[0]))  # what is matched is returned, too
        if not value:
            return  # universal matching: whatever the value is
        if keyword not in self.matches:
            self.matches[keyword] = value
        elif vr_of(str(tags[-1])) == "UI":
            self.matches[keyword] += f",{value}"
        else:
            raise QueryInvalid(name, "given more than once")
