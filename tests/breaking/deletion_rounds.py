"""kill -9 of who deletes, stores, indexes and restores: `python -m tests.breaking.deletion_rounds --rounds 50`.

All of them at work on the same few studies, and killed at random moments. After a round everything is brought
to its end, as a dispatcher, workers and beat would; then files, rows, documents and the warehouse agree, no
deletion is half done, and every instance that was ever stored is in the archive or among what was deleted.
On SQLite, or the empty database that DATABASE_URL names.
"""

import argparse
import multiprocessing
import os
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
from typing import Any

import django
import pydicom
from django.conf import settings
from django.core.management import call_command

from dicomhub import log
from tasks.warehouse.open import open_warehouse
from tests.support.samples import sample
from tests.support.waiting import wait_until

ROLES = ("store-0", "store-1", "delete-0", "delete-1", "work-0", "work-1", "upkeep-0")
KILLS = 8
_PAUSE_SECONDS = (0.1, 0.8)
STUDIES, SERIES, INSTANCES = 2, 2, 4


def write_files(folder: Path) -> None:
    """FOLDER/<study>/<series>/<SOP>.dcm."""
    data_set = pydicom.dcmread(sample("CT_small.dcm"))
    for study in range(1, STUDIES + 1):
        for series in range(1, SERIES + 1):
            for number in range(1, INSTANCES + 1):
                data_set.PatientID = f"P{study}"
                data_set.StudyInstanceUID = f"1.{study}"
                data_set.SeriesInstanceUID = f"1.{study}.{series}"
                data_set.SOPInstanceUID = f"1.{study}.{series}.{number}"
                data_set.file_meta.MediaStorageSOPInstanceUID = data_set.SOPInstanceUID
                path = folder / f"1.{study}" / f"1.{study}.{series}" / f"{data_set.SOPInstanceUID}.dcm"
                path.parent.mkdir(parents=True, exist_ok=True)
                data_set.save_as(path)


@dataclass
class Summary:
    rounds: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    deletions: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


class Rounds:
    def __init__(self, home: Path, *, seed: int) -> None:
        from tests.breaking.deletion_roles import play  # Django is set up now

        self._files, self._noted = home / "files", home / "stored"
        write_files(self._files)
        self._chance = random.Random(seed)
        self._play = play
        # A child is forked from a process that has imported everything: it is killed at work, not at its start.
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["tests.breaking.deletion_preload"])
        self.summary = Summary()

    def run(self) -> None:
        """One round, and what must hold after it."""
        from dicomhub.deletion.models import Deletion

        before = Deletion.objects.count()
        with self._processes() as processes:
            wait_until(lambda: Deletion.objects.count() > before, what="something is deleted")
            for _ in range(KILLS):
                time.sleep(self._chance.uniform(*_PAUSE_SECONDS))
                role = self._chance.choice(ROLES)
                processes[role].kill()
                processes[role].join()
                self._note_exit(role, processes[role].exitcode)
                processes[role] = self._start(role)
        self._check()

    def _note_exit(self, role: str, exitcode: int | None) -> None:
        if exitcode == -signal.SIGKILL:
            self.summary.kills[role] += 1
        else:
            self.summary.problems.append(f"round {self.summary.rounds}: {role} ended by itself ({exitcode})")

    def _check(self) -> None:
        from tests.breaking.deletion_check import problems, states

        number = self.summary.rounds
        stored = set(self._noted.read_text().split()) if self._noted.exists() else set()
        self.summary.problems += [f"round {number}: {problem}" for problem in problems(stored)]
        self.summary.rounds += 1
        self.summary.deletions = states()

    @contextmanager
    def _processes(self) -> Iterator[dict[str, BaseProcess]]:
        processes = {role: self._start(role) for role in ROLES}
        try:
            yield processes
        finally:
            for role, process in processes.items():
                process.kill()
                process.join()
                self._note_exit(role, process.exitcode)

    def _start(self, role: str) -> BaseProcess:
        arguments: tuple[Any, ...] = (role, self._files, self._chance.getrandbits(32), self._noted)
        process = self._context.Process(target=self._play, args=arguments)
        process.start()
        return process


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}")
    with tempfile.TemporaryDirectory(prefix="dicomhub-deletion-") as name:
        home = Path(name) / "home"
        os.environ |= {
            "DICOMHUB_HOME": str(home),
            "DJANGO_SETTINGS_MODULE": "dicomhub.settings",
            "STORE_RESERVE_BYTES": "0",
            "BATCH_MAX_SECONDS": "3600",
        }
        django.setup()
        log.configure("rounds", log_format="console", level="CRITICAL")
        call_command("migrate", verbosity=0)
        open_warehouse(settings.ENVIRONMENT.warehouse).initialise()
        rounds = Rounds(Path(name), seed=arguments.seed)
        for _ in range(arguments.rounds):
            rounds.run()
    summary = rounds.summary
    print(f"{summary.rounds} rounds; killed: {dict(summary.kills)}; deletions: {dict(summary.deletions)}")
    for problem in summary.problems:
        print(f"PROBLEM: {problem}")
    return 1 if summary.problems else 0


if __name__ == "__main__":
    sys.exit(main())
