"""Rows for the spool, and warehouses that are real and sometimes do not do what they are asked for."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dicomhub.configuration.pipeline import WarehouseSettings
from dicomhub.environment import read_environment
from tasks.messages import StoredInstance
from tasks.warehouse.loader import Loader
from tasks.warehouse.open import open_warehouse
from tasks.warehouse.plan import read_plan
from tasks.warehouse.port import LoadOutcome, LoadStatus, Warehouse
from tasks.warehouse.queries import QueryName
from tasks.warehouse.rows import image_row, received_row
from tasks.warehouse.spool import Spool
from tasks.warehouse.tables import IMAGE_META, RECEIVE_LOG, TABLES, Table

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ROOT = "1.2.826.0.1.3680043.8.498"
LATER = timedelta(hours=1)
HEADER = b'{"00080060":{"vr":"CS","Value":["CT"]},"00200013":{"vr":"IS","Value":[7]}}'

Rows = dict[Table, list[bytes]]


def stored(number: int, **changes: object) -> StoredInstance:
    values = {
        "tenant": "default",
        "patient_id": "P",
        "study_instance_uid": f"{ROOT}.1",
        "series_instance_uid": f"{ROOT}.1.1",
        "sop_instance_uid": f"{ROOT}.1.1.{number}",
        "sop_class_uid": "1.2.840.10008.5.1.4.1.1.2",
        "transfer_syntax_uid": "1.2.840.10008.1.2.1",
        "path": f"default/{ROOT}.1/{ROOT}.1.1/{ROOT}.1.1.{number}.dcm",
        "size_bytes": 1000,
        "digest": f"xxh3-128:{number:032x}",
        "source": "dimse",
        "calling_ae_title": "SENDER",
        "called_ae_title": "DICOMHUB",
        "source_address": "192.0.2.1",
        "received_at": NOON + timedelta(seconds=number),
        "trace_id": "trace",
    }
    return StoredInstance(**(values | changes))


def batch(batch_id: str, numbers: Iterable[int]) -> Rows:
    """What the load stage appends for a batch of these instances."""
    instances = [stored(number) for number in numbers]
    return {
        IMAGE_META: [image_row(instance, HEADER) for instance in instances],
        RECEIVE_LOG: [
            received_row(
                instance, batch_id=batch_id, position=position, modality="CT", node="node", indexed_at=NOON
            )
            for position, instance in enumerate(instances)
        ],
    }


def bad_row(number: int) -> bytes:
    """One that no warehouse takes: without a time in a log's key."""
    [row] = batch("bad", [number])[RECEIVE_LOG]
    return row.replace(b'"received_at":"2026', b'"received_at":"yesterday 2026')


def warehouse_settings(home: Path, **variables: str) -> WarehouseSettings:
    return read_environment({"DICOMHUB_HOME": str(home), **variables}).warehouse


def embedded_warehouse(home: Path) -> Warehouse:
    warehouse = open_warehouse(warehouse_settings(home))
    warehouse.initialise()
    return warehouse


def open_test_spool(root: Path) -> Spool:
    return Spool(root, durability="process", reserve_bytes=0)


class Unreliable:
    """A real warehouse behind a bad line. answers: what becomes of the next loads; None and the end: nothing."""

    def __init__(self, warehouse: Warehouse, answers: Iterable[LoadStatus | None] = ()) -> None:
        self._warehouse = warehouse
        self._answers = list(answers)
        self.loads: list[tuple[str, int]] = []

    def load(self, table: Table, label: str, rows: bytes) -> LoadOutcome:
        self.loads.append((label, rows.count(b"\n")))
        answer = self._answers.pop(0) if self._answers else None
        if answer is None:
            return self._warehouse.load(table, label, rows)
        if answer is LoadStatus.UNKNOWN:
            self._warehouse.load(table, label, rows)  # it went in, and the answer was lost
        return LoadOutcome(answer, "the line is bad")


class Clock:
    """A time of one's own, so much ahead of when it was made; it stands still."""

    def __init__(self) -> None:
        self._made_at = datetime.now(UTC)
        self.ahead = LATER

    def __call__(self) -> datetime:
        return self._made_at + self.ahead


def load_everything(spool: Spool, warehouse: Warehouse, settings: WarehouseSettings) -> None:
    """Run loaders, each an hour after the one before, until nothing waits and nothing is under way."""
    clock = Clock()
    for _ in range(1000):
        Loader(spool, warehouse, settings, now=clock).run()
        if not any(spool.waiting(table) or read_plan(spool, table) for table in TABLES):
            return
        clock.ahead += LATER
    raise AssertionError("the spool is never empty")


def counts(warehouse: Warehouse) -> dict[str, int]:
    """Rows by table, of tables that have any."""
    rows = warehouse.query(QueryName.ROWS, {"tenant": None}).rows
    return {name: number for name, number in rows if number}


class Killed(BaseException):
    """What a process sees of kill -9 is nothing; this stands for the moment."""


class CountedSteps:
    """Ends a process, so to speak, before its nth step."""

    def __init__(self, last: int) -> None:
        self._left = last

    def __call__(self) -> None:
        if self._left == 0:
            raise Killed
        self._left -= 1


class FragileSpool(Spool):
    """A spool whose process may end at each write and each sync."""

    def __init__(self, root: Path, step: Callable[[], None]) -> None:
        self._step = lambda: None
        super().__init__(root, durability="process", reserve_bytes=0)
        self._step = step

    def write(self, target: Path, data: bytes) -> None:
        self._step()
        super().write(target, data)
        self._step()

    def sync(self, directory: Path) -> None:
        self._step()
        super().sync(directory)


class FragileWarehouse:
    """A real warehouse; the process may end before and after each load."""

    def __init__(self, warehouse: Warehouse, step: Callable[[], None]) -> None:
        self._warehouse = warehouse
        self._step = step

    def load(self, table: Table, label: str, rows: bytes) -> LoadOutcome:
        self._step()
        outcome = self._warehouse.load(table, label, rows)
        self._step()
        return outcome
