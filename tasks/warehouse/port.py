"""What a warehouse can be asked for, whichever it is: Apache Doris, or Parquet files read by DuckDB."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from tasks.warehouse.queries import QueryName
from tasks.warehouse.tables import Table

_LABEL = re.compile(r"[-_A-Za-z0-9:]{1,128}", re.ASCII)


class WarehouseUnavailable(Exception):
    """The warehouse cannot answer now; the message is one sentence that says why, without a secret."""


class QueryTooLong(WarehouseUnavailable):
    """The query was given up when its seconds were over."""

    def __init__(self, seconds: float | None) -> None:
        super().__init__(f"no answer within {seconds:g} seconds" if seconds else "the query took too long")


class LoadStatus(Enum):
    LOADED = "loaded"
    ALREADY_THERE = "already there"
    """An earlier load under this label went in; nothing has changed."""
    UNKNOWN = "unknown"
    """It may have gone in or not: load again, under the same label."""
    BUSY = "busy"
    """It did not go in, and would if it came later: back off."""
    REJECTED = "rejected"
    """It did not go in and never will, for a row is bad."""
    MISCONFIGURED = "misconfigured"
    """It did not go in for a reason that a person has to mend: password, rights, missing or older tables."""


@dataclass(frozen=True, slots=True)
class LoadOutcome:
    """detail: one line on what went wrong, without a secret; when REJECTED, what is wrong with a bad row."""

    status: LoadStatus
    detail: str = ""

    @property
    def is_in(self) -> bool:
        return self.status in {LoadStatus.LOADED, LoadStatus.ALREADY_THERE}


@dataclass(frozen=True, slots=True)
class QueryResult:
    """Values are str, int, float, bool, None, datetime.date and datetime.datetime (naive, UTC)."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def mappings(self) -> list[dict[str, Any]]:
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class TableStatus:
    """rows: every key counts once. files: Parquet's files, Doris' tablets; waiting of them for compaction."""

    name: str
    rows: int
    size_bytes: int
    files: int
    waiting: int
    schema_version: int


class Warehouse(Protocol):
    """A label is made of [-_A-Za-z0-9:], at most 128 of them, and is known for three days."""

    def load(self, table: Table, label: str, rows: bytes) -> LoadOutcome:
        """Put rows (NDJSON, as tables.py writes it; at least one) into a table, all or none, once a label.

        Readers see them when it returns LOADED. Raises nothing but ValueError, for a label that is none.
        """
        ...

    def query(
        self, name: QueryName, parameters: Mapping[str, Any], *, seconds: float | None = None
    ) -> QueryResult:
        """Answer a named query; queries.py says which parameters it has. seconds bound what it may take.

        Raises WarehouseUnavailable, and QueryTooLong.
        """
        ...

    def initialise(self) -> None:
        """Create what is missing and bring older tables up to date; done twice, it changes nothing.

        Raises WarehouseUnavailable.
        """
        ...

    def status(self) -> tuple[TableStatus, ...]:
        """A status a table, in the order of TABLES. Raises WarehouseUnavailable, also before initialise."""
        ...

    def compact(self) -> None:
        """Merge small files and drop what is past its retention, while others load and read.

        Raises WarehouseUnavailable.
        """
        ...

    def repair(self) -> tuple[str, ...]:
        """Set aside what is damaged so that the rest can be read. Returns where it is now, a text each.

        Raises WarehouseUnavailable.
        """
        ...


def check_label(label: str) -> None:
    """Raises ValueError."""
    if not _LABEL.fullmatch(label):
        raise ValueError(f"not a label: {label[:140]!r}")
