"""What the processes do that tests.breaking.load_rounds kills."""

import sys
import time
from dataclasses import replace
from itertools import count
from pathlib import Path

from dicomhub import log
from tasks.warehouse.loader import Loader
from tasks.warehouse.open import open_warehouse
from tasks.warehouse.port import WarehouseUnavailable
from tests.support.spooling import batch, open_test_spool, warehouse_settings

BATCH_INSTANCES = 7
# So that a batch is about as often under way as not when its process is killed.
_BETWEEN_BATCHES_SECONDS = 0.01


def append(home: Path, role: str, first: int, last: int) -> None:
    """Append batches, and note each one that is: the next process of this role goes on from there."""
    noted = home / f"{role}.done"
    done = set(noted.read_text("ascii").split()) if noted.exists() else set()
    spool = open_test_spool(home / "spool")
    for number in range(first, last):
        if str(number) not in done:
            spool.append(
                batch(f"batch-{number}", range(number * BATCH_INSTANCES, (number + 1) * BATCH_INSTANCES))
            )
            with noted.open("a", encoding="ascii") as file:
                file.write(f"{number}\n")
            time.sleep(_BETWEEN_BATCHES_SECONDS)


def load(home: Path) -> None:
    """Load and compact until killed."""
    settings = replace(warehouse_settings(home), load_max_rows=40, load_max_seconds=0.001)
    warehouse, spool = open_warehouse(settings), open_test_spool(home / "spool")
    for turn in count(1):
        Loader(spool, warehouse, settings).run()
        if turn % 10 == 0:
            try:
                warehouse.compact()
            except WarehouseUnavailable as error:
                print(error, file=sys.stderr)
        time.sleep(0.005)


def play(home: Path, role: str, first: int, last: int) -> None:
    log.configure(role, log_format="console", level="ERROR")
    if role.startswith("append"):
        append(home, role, first, last)
    else:
        load(home)
