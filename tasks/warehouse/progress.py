"""How loading into a table goes: its last loads, and the pause after one that did not go in."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from tasks.warehouse.port import LoadOutcome, LoadStatus
from tasks.warehouse.spool import Spool
from tasks.warehouse.tables import Table

_LOADS_KEPT = 10
_FIRST_PAUSE = timedelta(seconds=5)
_LAST_PAUSE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One plan that was carried out. seconds: in the last run that worked on it."""

    label: str
    ended_at: datetime
    number_of_rows: int
    dead_rows: int
    size_bytes: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """failures: in a row; status and detail are those of the last one, and there is no status without one."""

    status: LoadStatus | None = None
    detail: str = ""
    failures: int = 0
    failing_since: datetime | None = None
    not_before: datetime | None = None
    loaded_rows: int = 0
    loads: tuple[Load, ...] = ()

    def is_due(self, now: datetime) -> bool:
        return self.not_before is None or now >= self.not_before

    def after(self, load: Load) -> "Progress":
        return Progress(
            loaded_rows=self.loaded_rows + load.number_of_rows - load.dead_rows,
            loads=(load, *self.loads)[:_LOADS_KEPT],
        )

    def after_failure(self, outcome: LoadOutcome, now: datetime) -> "Progress":
        """The pause doubles with each failure. Where a person has to mend something, it is long at once."""
        is_hopeless = outcome.status is LoadStatus.MISCONFIGURED
        pause = _LAST_PAUSE if is_hopeless else min(_FIRST_PAUSE * (1 << min(self.failures, 10)), _LAST_PAUSE)
        return replace(
            self,
            status=outcome.status,
            detail=outcome.detail,
            failures=self.failures + 1,
            failing_since=self.failing_since or now,
            not_before=now + pause,
        )


def _path(spool: Spool, table: Table) -> Path:
    return spool.root / "progress" / f"{table.name}.json"


def read_progress(spool: Spool, table: Table) -> Progress:
    """Nothing but counts is lost with a file that cannot be read."""
    try:
        return msgspec.json.decode(_path(spool, table).read_bytes(), type=Progress)
    except (FileNotFoundError, msgspec.DecodeError):
        return Progress()


def write_progress(spool: Spool, table: Table, progress: Progress) -> None:
    """Raises OSError."""
    spool.write(_path(spool, table), msgspec.json.encode(progress))


def try_at_once(spool: Spool, table: Table) -> None:
    """Forget the pause: whoever says so has mended something."""
    write_progress(spool, table, replace(read_progress(spool, table), not_before=datetime.now(UTC)))
