"""A condition on the header of an instance, whatever the warehouse."""

import re
from dataclasses import dataclass
from enum import Enum

_TAG = re.compile(r"[0-9A-F]{8}", re.ASCII)


class MatchKind(Enum):
    """How values are compared; always with any of the attribute's values. PS3.4 C.2.2.2."""

    EQUAL = "equal"
    """One of the texts, as it is."""
    NUMBER = "number"
    """One of the numbers."""
    WILDCARD = "wildcard"
    """One of the patterns, in which * stands for any text and ? for one character."""
    NAME = "name"
    """One of the patterns, in any group of a person name, whatever its case."""
    RANGE = "range"
    """(earliest, latest) as texts, both included, "" where it is open: dates and times."""


@dataclass(frozen=True, slots=True)
class HeaderMatch:
    """path: tags as the DICOM JSON Model writes them, all but the last of sequences. Raises ValueError."""

    path: tuple[str, ...]
    kind: MatchKind
    values: tuple[str | float, ...]

    def __post_init__(self) -> None:
        if not self.path or not all(map(_TAG.fullmatch, self.path)):
            raise ValueError(f"not a path of tags: {self.path!r}")
        if not self.values or (self.kind is MatchKind.RANGE and len(self.values) != 2):
            raise ValueError(f"not values to match: {self.values!r}")


def like_pattern(wildcard: str) -> str:
    """The pattern of SQL's LIKE, with a backslash as its escape, for one with * and ?."""
    escaped = re.sub(r"([\\%_])", r"\\\1", wildcard)
    return escaped.replace("*", "%").replace("?", "_")
