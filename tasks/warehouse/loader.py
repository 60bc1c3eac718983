"""The loader: what waits in the spool goes into the warehouse, in large loads, each row to a certain end.

Of a table, files are taken together until a limit is reached, or when the oldest has waited long enough. What
came of a load decides what becomes of its rows:

    in, or in already    done
    not certain          the same rows under the same label, after a pause
    not now              likewise; what comes meanwhile is taken together into the load after it
    refused              halved until the bad rows stand alone; these are dead letters, the others go in
    misconfigured        a person is needed; tried again after a longer pause all the same
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import assert_never

from dicomhub.configuration.pipeline import WarehouseSettings
from dicomhub.log import logger
from tasks.warehouse.access_journal import collect
from tasks.warehouse.dead_letters import bury
from tasks.warehouse.plan import Piece, Plan, new_plan, read_plan, remove_plan, write_plan
from tasks.warehouse.port import LoadOutcome, LoadStatus, Warehouse
from tasks.warehouse.progress import Load, Progress, read_progress, write_progress
from tasks.warehouse.spool import RowsFile, Spool, SpoolFull
from tasks.warehouse.tables import TABLES, Table

# Where so many rows of one load are bad, it is no single row's fault: the rest of them is not looked for one
# by one, which takes the warehouse some twenty loads a row.
_DEAD_ONE_BY_ONE = 100


class Loader:
    """Loads one spool. Several may be started; all but one find it locked and do nothing."""

    def __init__(
        self,
        spool: Spool,
        warehouse: Warehouse,
        settings: WarehouseSettings,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._spool = spool
        self._warehouse = warehouse
        self._settings = settings
        self._now = now

    def run(self, *, should_stop: Callable[[], bool] = lambda: False) -> None:
        """Carry out one plan of each table that has something to load, and no pause.

        Raises OSError when the spool cannot be read or written; what it holds is the same as before then.
        """
        with self._spool.locked() as is_ours:
            if not is_ours:
                return
            self._spool.remove_orphans()
            self._collect()
            for table in TABLES:
                if not should_stop() and read_progress(self._spool, table).is_due(self._now()):
                    self._load(table, should_stop)

    def _collect(self) -> None:
        try:
            collect(self._spool)
        except (SpoolFull, OSError) as error:  # all the more reason to load what is there
            logger().error("accesses_not_collected", error=str(error))

    def _load(self, table: Table, should_stop: Callable[[], bool]) -> None:
        planned = self._planned(table)
        if planned is None:
            return
        plan, lines = planned
        began = time.monotonic()
        while plan.pieces:
            if should_stop():
                return
            after = self._load_piece(table, plan, lines)
            if after is None:
                return
            plan = after
            write_plan(self._spool, table, plan)
        self._finish(table, plan, seconds=time.monotonic() - began)

    def _planned(self, table: Table) -> tuple[Plan, list[bytes]] | None:
        """The plan that is under way, else a new one, and the rows; None when nothing is due."""
        plan = read_plan(self._spool, table)
        if plan is not None and not plan.pieces:
            return plan, []
        if plan is not None:
            try:
                return plan, self._rows(table, plan.files)
            except FileNotFoundError as error:  # a person has been here
                logger().error("spool_file_gone", table=table.name, error=str(error))
        files = self._due(table)
        if not files:
            return None
        names = [file.path.name for file in files]
        lines = self._rows(table, names)
        plan = new_plan(table, names, number_of_rows=len(lines), size_bytes=sum(f.size_bytes for f in files))
        # The names too have to be on the disk before the warehouse has the rows.
        self._spool.sync(self._spool.waiting_directory(table))
        write_plan(self._spool, table, plan)
        return plan, lines

    def _due(self, table: Table) -> list[RowsFile]:
        waiting = self._spool.waiting(table)
        taken: list[RowsFile] = []
        rows = size_bytes = 0
        for file in waiting:
            rows += file.number_of_rows
            size_bytes += file.size_bytes
            if taken and (rows > self._settings.load_max_rows or size_bytes > self._settings.load_max_bytes):
                return taken
            taken.append(file)
        is_full = rows >= self._settings.load_max_rows or size_bytes >= self._settings.load_max_bytes
        patience = timedelta(seconds=self._settings.load_max_seconds)
        is_old = any(self._now() - file.written_at >= patience for file in taken)
        return taken if is_full or is_old else []

    def _rows(self, table: Table, names: list[str] | tuple[str, ...]) -> list[bytes]:
        directory = self._spool.waiting_directory(table)
        data = b"\n".join((directory / name).read_bytes() for name in names)
        return [line for line in data.split(b"\n") if line]

    def _load_piece(self, table: Table, plan: Plan, lines: list[bytes]) -> Plan | None:
        """Send the plan's first piece. None when it is to be sent again later."""
        piece = plan.pieces[0]
        rows = lines[piece.first : piece.end]
        if not rows:
            return plan.without_first()
        label = plan.label_of(piece)
        outcome = self._warehouse.load(table, label, b"\n".join([*rows, b""]))
        match outcome.status:
            case LoadStatus.LOADED | LoadStatus.ALREADY_THERE:
                return plan.without_first()
            case LoadStatus.REJECTED:
                return self._refused(table, plan, piece, rows, outcome)
            case LoadStatus.UNKNOWN | LoadStatus.BUSY | LoadStatus.MISCONFIGURED:
                self._pause(table, label, outcome)
                return None
            case _:
                assert_never(outcome.status)

    def _refused(
        self, table: Table, plan: Plan, piece: Piece, rows: list[bytes], outcome: LoadOutcome
    ) -> Plan:
        if len(rows) > 1 and plan.dead_rows < _DEAD_ONE_BY_ONE:
            return plan.with_first_halved()
        label = plan.label_of(piece)
        bury(self._spool, table, label, rows, reason=outcome.detail)
        logger().error("rows_refused", table=table.name, label=label, rows=len(rows), reason=outcome.detail)
        return plan.without_first(dead_rows=len(rows))

    def _pause(self, table: Table, label: str, outcome: LoadOutcome) -> None:
        progress = read_progress(self._spool, table).after_failure(outcome, self._now())
        log = logger().error if outcome.status is LoadStatus.MISCONFIGURED else logger().warning
        log(
            "rows_not_loaded",
            table=table.name,
            label=label,
            status=outcome.status.value,
            reason=outcome.detail,
            failures=progress.failures,
        )
        self._note(table, progress)

    def _finish(self, table: Table, plan: Plan, *, seconds: float) -> None:
        """Every row has come to its end; the plan says so until the last of the files is gone."""
        directory = self._spool.waiting_directory(table)
        for name in plan.files:
            (directory / name).unlink(missing_ok=True)
        self._spool.sync(directory)
        remove_plan(self._spool, table)
        load = Load(
            label=plan.label,
            ended_at=self._now(),
            number_of_rows=plan.number_of_rows,
            dead_rows=plan.dead_rows,
            size_bytes=plan.size_bytes,
            seconds=seconds,
        )
        self._note(table, read_progress(self._spool, table).after(load))
        logger().info(
            "rows_loaded", table=table.name, label=plan.label, rows=plan.number_of_rows, dead=plan.dead_rows
        )

    def _note(self, table: Table, progress: Progress) -> None:
        try:
            write_progress(self._spool, table, progress)
        except OSError as error:  # it says how loading goes, and must not keep it from going
            logger().error("loading_not_noted", table=table.name, error=str(error))
