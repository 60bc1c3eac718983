"""A condition on the header of an instance, whatever the warehouse."""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any

Condition = tuple[str, dict[str, Any]]
"""SQL of a condition with $names in it, and the values of these."""

_TAG = re.compile(r"[0-9A-F]{8}", re.ASCII)
_DIGITS = 12


class MatchKind(Enum):
    """How values are compared; always with any of the attribute's values. PS3.4 C.2.2.2."""

    EQUAL = "equal"
    """One of the texts, as it is."""
    NUMBER = "number"
    """One of the numbers."""
    WILDCARD = "wildcard"
    """One of the patterns, in which * stands for any text and ? for one character."""
    NAME = "name"
    """One of the patterns, already folded (folding.py), in any group of a person name with a ^ behind it."""
    RANGE = "range"
    """(earliest, latest) as texts, both included, "" where it is open: dates and times."""
    EMPTY = "empty"
    """Absent, or without a value; values say nothing."""


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

    @property
    def bounds(self) -> tuple[str, str]:
        """Of a RANGE, as RANGED has the values: twelve digits each, "" where it is open."""
        earliest, latest = (re.sub("[:.]", "", str(value)) for value in self.values)
        return earliest and earliest.ljust(_DIGITS, "0"), latest and latest.ljust(_DIGITS, "0")


RANGED = f"rpad(replace(replace(trim(value), ':', ''), '.', ''), {_DIGITS}, '0')"
"""SQL of a date or a time, of DICOM or ACR-NEMA, in digits that sort: 10:23 is 102300000000."""


def like_pattern(wildcard: str) -> str:
    """The pattern of SQL's LIKE, with a backslash as its escape, for one with * and ?."""
    escaped = re.sub(r"([\\%_])", r"\\\1", wildcard)
    return escaped.replace("*", "%").replace("?", "_")
