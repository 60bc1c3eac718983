"""The embedded warehouse under many processes at once, and under kill -9 at random moments.

    python -m tests.breaking.warehouse_rounds together --seconds 300
    python -m tests.breaking.warehouse_rounds kill --rounds 100

Every load brings ROWS events of its writer, and one state of each of ROWS instances that all writers share: so at
any moment a writer's events must be a multiple of ROWS and never fewer than before, and the instances ROWS at most.
"""

import argparse
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from dicomhub.environment import read_environment
from tasks.warehouse.open import open_warehouse
from tasks.warehouse.port import Warehouse
from tasks.warehouse.queries import QueryName
from tasks.warehouse.tables import ACCESS_LOG, IMAGE_META
from tests.support.waiting import wait_until
from tests.warehouse.making import NOON, access_row, image_row, ndjson

ROWS = 20
WRITERS = 10
READERS = 2
# Thirteen processes on a machine that others use as well.
STARTING_SECONDS = 180
EVER = {"tenant": None, "since": datetime(2000, 1, 1), "until": datetime(2100, 1, 1)}

# Children are forked from a process that has imported everything and used nothing of it.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__])


def warehouse_in(folder: Path) -> Warehouse:
    return open_warehouse(read_environment({"DICOMHUB_HOME": str(folder)}).warehouse)


def load_once(warehouse: Warehouse, writer: int, number: int) -> None:
    """Load under both labels until they are in, however often that was tried before."""
    at = NOON + timedelta(seconds=number)
    events = [
        access_row(n, event_id=f"{writer}-{number}-{n}", user_name=f"writer-{writer}") for n in range(ROWS)
    ]
    instances = [image_row(1, 1, n, at=at, size_bytes=number) for n in range(ROWS)]
    label = f"{writer}:{number}"
    for table, rows in ((ACCESS_LOG, events), (IMAGE_META, instances)):
        wait_until(
            lambda table=table, rows=rows: warehouse.load(table, label, ndjson(rows)).is_in, what=label
        )


def write(folder: Path, writer: int, stop: Any) -> None:
    """Load until told to stop; the file of the writer's name has a byte a load that was begun."""
    warehouse = warehouse_in(folder)
    with (folder / f"begun-{writer}").open("ab", buffering=0) as begun:
        number = os.fstat(begun.fileno()).st_size
        while not stop.is_set():
            begun.write(b".")
            load_once(warehouse, writer, number)
            if number % 7 == 0:
                load_once(warehouse, writer, number)
            number += 1


def compact(folder: Path, stop: Any) -> None:
    warehouse = warehouse_in(folder)
    while not stop.is_set():
        warehouse.compact()


def read(folder: Path, stop: Any) -> None:
    warehouse = warehouse_in(folder)
    seen: dict[str, int] = {}
    while not stop.is_set():
        counts = events_by_writer(warehouse)
        assert all(count % ROWS == 0 for count in counts.values()), counts
        assert all(counts.get(writer, 0) >= count for writer, count in seen.items()), (seen, counts)
        seen = counts
        assert instance_count(warehouse) in {0, ROWS}


def events_by_writer(warehouse: Warehouse) -> dict[str, int]:
    return {row[0]: row[2] for row in warehouse.query(QueryName.READS_BY_USER, EVER).rows}


def instance_count(warehouse: Warehouse) -> int:
    return dict(warehouse.query(QueryName.ROWS, {"tenant": None}).rows)[IMAGE_META.name]


def begun(folder: Path, writer: int) -> int:
    path = folder / f"begun-{writer}"
    return path.stat().st_size if path.exists() else 0


def wait_for_a_load(folder: Path, *, after: int) -> None:
    wait_until(lambda: begun(folder, 0) > after, what="a load", seconds=STARTING_SECONDS)


def check(folder: Path, writers: int) -> int:
    """Every load that was begun is in once, and of the instances the newest. Returns how many loads."""
    warehouse = warehouse_in(folder)
    loads = {f"writer-{writer}": begun(folder, writer) for writer in range(writers)}
    counts = events_by_writer(warehouse)
    expected = {writer: count * ROWS for writer, count in loads.items()}
    assert counts == expected, (counts, expected)
    growth = warehouse.query(QueryName.GROWTH, EVER).rows
    assert [row[1:] for row in growth] == [(ROWS, ROWS * (max(loads.values()) - 1))], growth
    return sum(loads.values())


def together(folder: Path, *, seconds: float, writers: int = WRITERS) -> int:
    """Writers, a compactor and readers at once; then everything is counted. Returns the number of loads."""
    warehouse_in(folder).initialise()
    stop = _processes.Event()
    jobs: list[tuple[Callable[..., None], tuple[Any, ...]]] = [
        *((write, (folder, writer, stop)) for writer in range(writers)),
        (compact, (folder, stop)),
        *((read, (folder, stop)) for _ in range(READERS)),
    ]
    with running(jobs) as processes:
        wait_until(
            lambda: all(begun(folder, writer) for writer in range(writers)),
            what="a load of each writer",
            seconds=STARTING_SECONDS,
        )
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and all(process.is_alive() for process in processes):
            processes[0].join(0.1)
        stop.set()
        for process in processes:
            process.join(STARTING_SECONDS)
        assert [process.exitcode for process in processes] == [0] * len(processes)
    check(folder, writers)
    warehouse_in(folder).compact()
    return check(folder, writers)


def kill(folder: Path, *, rounds: int, seed: int) -> int:
    """Kill a writer and a compactor in the middle of what they do, round after round. Returns the loads."""
    chance = random.Random(seed)
    warehouse = warehouse_in(folder)
    warehouse.initialise()
    for _ in range(rounds):
        stop = _processes.Event()
        before = begun(folder, 0)
        with running([(write, (folder, 0, stop)), (compact, (folder, stop))]) as processes:
            wait_for_a_load(folder, after=before)
            time.sleep(chance.uniform(0, 0.3))  # the moment of the kill, not a wait
            for process in processes:
                assert process.exitcode is None
                os.kill(process.pid, signal.SIGKILL)
        load_once(warehouse, 0, begun(folder, 0) - 1)
        check(folder, 1)
    warehouse.compact()
    assert not list(folder.rglob("temporary/*")), "left behind"
    assert not list(folder.rglob("retired/*")), "left behind"
    return check(folder, 1)


@contextmanager
def running(jobs: list[tuple[Callable[..., None], tuple[Any, ...]]]) -> Iterator[list[BaseProcess]]:
    processes: list[BaseProcess] = [_processes.Process(target=job, args=arguments) for job, arguments in jobs]
    for process in processes:
        process.start()
    try:
        yield processes
    finally:
        for process in processes:
            if process.is_alive():
                process.kill()
            process.join()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    ways = parser.add_subparsers(dest="way", required=True)
    ways.add_parser("together").add_argument("--seconds", type=float, default=300)
    killing = ways.add_parser("kill")
    killing.add_argument("--rounds", type=int, default=100)
    killing.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dicomhub-warehouse-") as folder:
        if options.way == "together":
            loads = together(Path(folder), seconds=options.seconds)
        else:
            print(f"seed {options.seed}")
            loads = kill(Path(folder), rounds=options.rounds, seed=options.seed)
    print(f"{2 * loads} loads, {2 * loads * ROWS} rows: every row once")
    return 0


if __name__ == "__main__":
    sys.exit(main())
