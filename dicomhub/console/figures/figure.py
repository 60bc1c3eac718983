"""A figure: what a question to the warehouse came to, as a table that page, terminal and CSV render."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a column holds, and so how it is written for people."""

    TEXT = "text"
    COUNT = "count"
    BYTES = "bytes"
    MILLISECONDS = "milliseconds"
    SECONDS = "seconds"
    DAY = "day"
    HOUR = "hour"
    """Of the day, 0 to 23."""

    @property
    def is_number(self) -> bool:
        return self in {Kind.COUNT, Kind.BYTES, Kind.MILLISECONDS, Kind.SECONDS}


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    kind: Kind
    title: str


@dataclass(frozen=True, slots=True)
class Figure:
    """name is fit for a file's name; values are those of a QueryResult; sentence is to be said of it."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    sentence: str = ""

    def position(self, column: str) -> int:
        """Raises StopIteration."""
        return next(number for number, one in enumerate(self.columns) if one.name == column)

    def values(self, column: str) -> list[Any]:
        position = self.position(column)
        return [row[position] for row in self.rows]


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days of UTC, the last of them the one that is under way."""

    last: date
    number_of_days: int

    @property
    def days(self) -> list[date]:
        return [self.last - timedelta(days=ago) for ago in reversed(range(self.number_of_days))]

    @property
    def since(self) -> datetime:
        """Naive UTC, as the named queries take it; included."""
        return datetime.combine(self.days[0], time())

    @property
    def until(self) -> datetime:
        """Naive UTC; not included."""
        return datetime.combine(self.last + timedelta(days=1), time())
