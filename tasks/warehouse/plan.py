"""What is being loaded into a table: the files, the label, and which of their rows are still to go in.

A plan is on the disk before its first row is sent, and stays until every row has come to a certain end. So
whoever takes over from a loader that was killed sends the same rows under the same labels, and the warehouse
knows those that it has.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from tasks.warehouse.spool import Spool
from tasks.warehouse.tables import Table


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows first to end (exclusive) of a plan. halves: "" all, "0" the first half, "01" that one's second."""

    first: int
    end: int
    halves: str = ""

    @property
    def number_of_rows(self) -> int:
        return self.end - self.first

    def halved(self) -> "tuple[Piece, Piece]":
        middle = (self.first + self.end) // 2
        return (
            Piece(self.first, middle, f"{self.halves}0"),
            Piece(middle, self.end, f"{self.halves}1"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """files: names in the table's waiting directory, whose lines, one file after the other, are the rows."""

    label: str
    files: tuple[str, ...]
    pieces: tuple[Piece, ...]
    number_of_rows: int
    size_bytes: int
    dead_rows: int = 0

    def label_of(self, piece: Piece) -> str:
        return f"{self.label}-{piece.halves}" if piece.halves else self.label

    def without_first(self, *, dead_rows: int = 0) -> "Plan":
        return replace(self, pieces=self.pieces[1:], dead_rows=self.dead_rows + dead_rows)

    def with_first_halved(self) -> "Plan":
        return replace(self, pieces=(*self.pieces[0].halved(), *self.pieces[1:]))


def new_plan(table: Table, files: Sequence[str], *, number_of_rows: int, size_bytes: int) -> Plan:
    """A plan for all rows of these files. The same files have the same label whoever plans."""
    digest = hashlib.sha256("\n".join(files).encode("ascii")).hexdigest()[:32]
    return Plan(
        label=f"{table.name}-{digest}",
        files=tuple(files),
        pieces=(Piece(0, number_of_rows),),
        number_of_rows=number_of_rows,
        size_bytes=size_bytes,
    )


def plan_path(spool: Spool, table: Table) -> Path:
    return spool.root / "loading" / f"{table.name}.json"


def read_plan(spool: Spool, table: Table) -> Plan | None:
    """None when nothing is being loaded. A plan that cannot be read is none: its rows still wait."""
    try:
        return msgspec.json.decode(plan_path(spool, table).read_bytes(), type=Plan)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def write_plan(spool: Spool, table: Table, plan: Plan) -> None:
    """Raises OSError, and the plan is as it was before then."""
    spool.write(plan_path(spool, table), msgspec.json.encode(plan))


def remove_plan(spool: Spool, table: Table) -> None:
    plan_path(spool, table).unlink(missing_ok=True)
