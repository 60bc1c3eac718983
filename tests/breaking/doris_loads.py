"""Loads into a Doris that fails at random, each driven to its end: every row once.

`python -m tests.breaking.doris_loads --loads 500 --probability 0.5 --seed 1`
"""

import argparse
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tasks.warehouse.doris import DorisWarehouse
from tasks.warehouse.doris_address import read_doris_address
from tasks.warehouse.port import LoadStatus
from tasks.warehouse.tables import IMAGE_META, RECEIVE_LOG, Table
from tests.support.doris.cluster import DorisDouble, running_doris
from tests.support.doris.faults import Fault
from tests.warehouse.making import image_row, ndjson, receive_row

ROWS_A_LOAD = 20
WRITERS = 4
_MAX_ATTEMPTS = 200
_PAUSE_SECONDS = 0.01


@dataclass
class Report:
    """What the loads of a run came to."""

    loads: int
    rows: dict[str, int] = field(default_factory=dict)
    attempts: Counter[str] = field(default_factory=Counter)
    committed: int = 0
    faults: dict[Fault, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> list[str]:
        expected = self.loads // 2 * ROWS_A_LOAD
        counts = [
            f"{name}: {count} rows, not {expected}" for name, count in self.rows.items() if count != expected
        ]
        if self.committed != self.loads:
            counts.append(f"{self.committed} loads were committed, not {self.loads}")
        return self.failures + counts


def load_with_faults(*, loads: int, probability: float, seed: int) -> Report:
    """Half of the loads go into a table of instances, half into a log, from several threads."""
    report = Report(loads)
    with running_doris(frontends=2) as doris:
        _warehouse(doris).initialise()
        doris.faults.at_random(probability, seed=seed)
        work = iter(range(loads))
        lock = threading.Lock()
        threads = [threading.Thread(target=_writer, args=(doris, work, lock, report)) for _ in range(WRITERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        doris.transactions.settle()
        report.committed, report.faults = doris.transactions.committed, doris.faults.seen
        for table in (IMAGE_META, RECEIVE_LOG):
            report.rows[table.name] = doris.rows(table.name)
            keys = ", ".join(table.key)
            ((keys_once,),) = doris.catalog.select(
                f"SELECT count(*) FROM (SELECT DISTINCT {keys} FROM {table.name})"
            )[0]
            if keys_once != report.rows[table.name]:
                report.failures.append(f"{table.name}: {keys_once} keys in {report.rows[table.name]} rows")
    return report


def _warehouse(doris: DorisDouble) -> DorisWarehouse:
    return DorisWarehouse(read_doris_address(doris.url(timeout=5)), log_retention_months=24)


def _writer(doris: DorisDouble, work: Iterable[int], lock: threading.Lock, report: Report) -> None:
    warehouse = _warehouse(doris)
    while True:
        with lock:
            number = next(iter(work), None)
        if number is None or doris.errors:
            return
        table = (IMAGE_META, RECEIVE_LOG)[number % 2]
        _drive(warehouse, table, number, report)


def _drive(warehouse: DorisWarehouse, table: Table, number: int, report: Report) -> None:
    """The same label again until the rows are in, as the loader does."""
    images = [image_row(1, number, index) for index in range(ROWS_A_LOAD)]
    rows = ndjson(images if table is IMAGE_META else map(receive_row, images))
    for _ in range(_MAX_ATTEMPTS):
        outcome = warehouse.load(table, f"faults-{table.name}-{number}", rows)
        report.attempts[outcome.status.value] += 1
        if outcome.is_in:
            return
        if outcome.status in {LoadStatus.REJECTED, LoadStatus.MISCONFIGURED}:
            break
        time.sleep(_PAUSE_SECONDS)
    report.failures.append(f"load {number} ended as {outcome}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loads", type=int, default=500)
    parser.add_argument("--probability", type=float, default=0.5)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    began = time.monotonic()
    report = load_with_faults(loads=arguments.loads, probability=arguments.probability, seed=arguments.seed)
    print(f"{report.loads} loads in {time.monotonic() - began:.1f} s; rows: {report.rows}")
    print(f"answers: {dict(report.attempts)}")
    for fault, count in report.faults.items():
        print(f"  {count:4} x {fault.name}: {fault.value}")
    if report.wrong:
        raise SystemExit("\n".join(report.wrong))
    print("every row once")


if __name__ == "__main__":
    main()
