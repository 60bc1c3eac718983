"""How the spool stands, for those who look at it: what waits, since when, and what keeps it."""

from dataclasses import dataclass
from datetime import datetime

from tasks.warehouse.dead_letters import DeadLetter, dead_letters
from tasks.warehouse.plan import Plan, read_plan
from tasks.warehouse.progress import Progress, read_progress
from tasks.warehouse.spool import Spool
from tasks.warehouse.tables import TABLES, Table


@dataclass(frozen=True, slots=True)
class Backlog:
    """One table's. plan: what is being loaded, which waits too until it is in."""

    table: Table
    files: int
    number_of_rows: int
    size_bytes: int
    oldest_at: datetime | None
    plan: Plan | None
    progress: Progress
    dead: list[DeadLetter]

    @property
    def dead_rows(self) -> int:
        return sum(letter.rows.number_of_rows for letter in self.dead)


def backlogs(spool: Spool) -> list[Backlog]:
    """A backlog a table, in the order of TABLES. Raises OSError."""
    return [_backlog(spool, table) for table in TABLES]


def _backlog(spool: Spool, table: Table) -> Backlog:
    waiting = spool.waiting(table)
    return Backlog(
        table=table,
        files=len(waiting),
        number_of_rows=sum(file.number_of_rows for file in waiting),
        size_bytes=sum(file.size_bytes for file in waiting),
        oldest_at=min((file.written_at for file in waiting), default=None),
        plan=read_plan(spool, table),
        progress=read_progress(spool, table),
        dead=dead_letters(spool, table),
    )
