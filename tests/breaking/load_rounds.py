"""kill -9 of who spools and who loads, round after round: `python -m tests.breaking.load_rounds --rounds 100`.

In each round two processes append batches to a spool, as load stages do, and two load it into the embedded
warehouse and compact that, while all of them are killed at random moments. Who appended is started again and
appends again what it had not noted as done. After a round everything is loaded, and then every row is there
once, and nothing is left in the spool.
"""

import argparse
import multiprocessing
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

from dicomhub import log
from tasks.warehouse.tables import IMAGE_META, RECEIVE_LOG, TABLES
from tests.breaking.load_roles import BATCH_INSTANCES, play
from tests.support.spooling import (
    counts,
    embedded_warehouse,
    load_everything,
    open_test_spool,
    warehouse_settings,
)

ROLES = ("append-0", "append-1", "load-0", "load-1")
BATCHES_A_ROUND = 100
KILLS = 6
_PAUSE_SECONDS = (0.01, 0.2)


@dataclass
class Summary:
    rounds: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    problems: list[str] = field(default_factory=list)


class Rounds:
    def __init__(self, home: Path, *, seed: int) -> None:
        self._home = home
        self._chance = random.Random(seed)
        self._warehouse = embedded_warehouse(home)
        self._batches = 0
        # A child is forked from a process that has imported everything: it is killed at work, not at its start.
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([play.__module__])
        self.summary = Summary()

    def run(self) -> None:
        """One round, and what must hold after it."""
        first, self._batches = self._batches, self._batches + BATCHES_A_ROUND
        middle = (first + self._batches) // 2
        spans = {
            "append-0": (first, middle),
            "append-1": (middle, self._batches),
            "load-0": (0, 0),
            "load-1": (0, 0),
        }
        with self._processes(spans) as processes:
            for _ in range(KILLS):
                time.sleep(self._chance.uniform(*_PAUSE_SECONDS))
                role = self._chance.choice(ROLES)
                processes[role].kill()
                processes[role].join()
                if processes[role].exitcode == -signal.SIGKILL:  # not one that had come to its end
                    self.summary.kills[role] += 1
                processes[role] = self._start(role, *spans[role])
            for role in ("append-0", "append-1"):
                processes[role].join(60)
                if processes[role].exitcode != 0:
                    self.summary.problems.append(f"{role} failed")
        self._check()

    def _check(self) -> None:
        spool = open_test_spool(self._home / "spool")
        load_everything(spool, self._warehouse, warehouse_settings(self._home))
        expected = self._batches * BATCH_INSTANCES
        found = counts(self._warehouse)
        if found != {IMAGE_META.name: expected, RECEIVE_LOG.name: expected}:
            self.summary.problems.append(f"round {self.summary.rounds}: {found}, not {expected} of each")
        for folder in (*(spool.waiting_directory(table) for table in TABLES), spool.root / "loading"):
            if left := list(folder.glob("*")):
                self.summary.problems.append(f"round {self.summary.rounds}: {folder.name} has {left}")
        if (spool.root / "dead").exists():
            self.summary.problems.append(f"round {self.summary.rounds}: there are dead letters")
        self.summary.rounds += 1
        self.summary.rows = expected

    @contextmanager
    def _processes(self, spans: dict[str, tuple[int, int]]) -> Iterator[dict[str, BaseProcess]]:
        processes = {role: self._start(role, *span) for role, span in spans.items()}
        try:
            yield processes
        finally:
            for process in processes.values():
                process.kill()
                process.join()

    def _start(self, role: str, first: int, last: int) -> BaseProcess:
        process = self._context.Process(target=play, args=(self._home, role, first, last))
        process.start()
        return process


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    arguments = parser.parse_args()
    log.configure("rounds", log_format="console", level="ERROR")
    print(f"seed {arguments.seed}")
    with tempfile.TemporaryDirectory(prefix="dicomhub-load-") as folder:
        rounds = Rounds(Path(folder), seed=arguments.seed)
        for _ in range(arguments.rounds):
            rounds.run()
    summary = rounds.summary
    print(f"{summary.rounds} rounds, {summary.rows} rows of each table; killed: {dict(summary.kills)}")
    for problem in summary.problems:
        print(f"PROBLEM: {problem}")
    return 1 if summary.problems else 0


if __name__ == "__main__":
    sys.exit(main())
