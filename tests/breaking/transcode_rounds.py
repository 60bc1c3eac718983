"""Rounds of kill -9 in the middle of transcoding, for a process in which Django is set up.

Each round brings a compressed series in, and kills the worker, its child or a codec process at random moments
while it is transcoded. In the end every instance has a rendition, none that was done was made again, no
process lives on and no file lies about.
"""

import os
import random
import signal
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from dicomhub.archive.models import Batch
from dicomhub.environment import read_environment
from dicomhub.intake.dispatcher import Dispatcher
from dicomhub.intake.door import Intake
from dicomhub.intake.segments import published_segments
from dicomhub.storage.layout import JOURNAL
from dicomhub.transcoding.models import TranscodePolicy, UnrenderedInstance
from tasks.app import create_app
from tasks.messages import StoredInstance
from tasks.route import SWEEP_TASK
from tasks.transcode.freshness import fresh_rendition
from tests.breaking.checking import age_incoming_files
from tests.support.compressed_series import write_compressed_series
from tests.support.incoming import being_written
from tests.support.receiving import receive
from tests.support.scp_process import children_of
from tests.support.stack import processes_of
from tests.support.waiting import wait_until
from tests.support.worker_process import Worker
from tests.transcode import bad_decoders

INSTANCES = 24
BATCHES = 3
_NATIVE = "1.2.840.10008.1.2.1"
ROLES = {"worker": 50, "child": 25, "codec": 25}
_LONG_SECONDS = 7200
PROCESSES = 2


@dataclass
class Summary:
    rounds: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    instances: int = 0
    decodes: int = 0
    problems: list[str] = field(default_factory=list)


def variables_of(folder: Path, *, database_url: str, redis_url: str) -> dict[str, str]:
    return {
        "DICOMHUB_HOME": str(folder / "home"),
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "STORE_RESERVE_BYTES": "0",
        "CODEC_MODULES": bad_decoders.__name__,
        "CODEC_PROCESSES": str(PROCESSES),
        "TRANSCODE_RUN_SECONDS": "0.5",
        "DECODED_LOG": str(folder / "decoded"),
    }


class Rounds:
    def __init__(self, folder: Path, variables: dict[str, str], *, seed: int) -> None:
        self._folder = folder
        self._home = Path(variables["DICOMHUB_HOME"])
        self._decoded = Path(variables["DECODED_LOG"])
        self._chance = random.Random(seed)
        environment = read_environment(variables)
        self._intake = Intake.open(environment, owner="rounds")
        self._dispatcher = Dispatcher.open(environment)
        self._app = create_app(environment.broker_url())
        self._worker = Worker(variables, self._app, folder / "worker.log")
        TranscodePolicy.objects.get_or_create(
            tenant_id="default", defaults={"viewer_transfer_syntaxes": [_NATIVE]}
        )
        self._done: dict[str, tuple[int, int]] = {}
        self.summary = Summary()

    def close(self) -> None:
        self._worker.stop()
        self._app.close()

    def run(self, number: int, *, kills: int) -> None:
        paths = write_compressed_series(self._folder / f"{number}", instances=INSTANCES)
        bad_decoders.burden_files(paths, bad_decoders.DAWDLE)
        self._decoded.write_text("")
        instances = []
        for start in range(0, INSTANCES, INSTANCES // BATCHES):
            instances += [
                receive(self._intake, path).instance for path in paths[start : start + INSTANCES // BATCHES]
            ]
            self._intake.cut()
        before = len(self._renditions())
        self._dispatcher.publish_pending()
        self._worker.start()
        for _ in range(kills):
            wanted = len(self._renditions()) + self._chance.randint(1, 6)
            with suppress(AssertionError):  # a worker that was killed long before its next batch is due
                wait_until(partial(self._drive_on, wanted), what="some are rendered", seconds=20)
            self._kill(number)
        wait_until(
            lambda: self._drive_on(before + INSTANCES) and self._all_done(), what="all is done", seconds=600
        )
        self._worker.stop()
        self._check(number, instances, kills)

    def _drive_on(self, wanted: int) -> bool:
        """Let time pass for what waits to be driven on by the sweeper; whether so many renditions are there."""

        then = time.time() - _LONG_SECONDS
        for segment in published_segments(self._intake.store.absolute(JOURNAL)):
            with suppress(FileNotFoundError):
                os.utime(segment, (then, then))
        waiting = Batch.objects.exclude(state=Batch.State.DONE)
        waiting.update(updated_at=datetime.now(UTC) - timedelta(seconds=_LONG_SECONDS), attempts=1)
        self._app.send_task(SWEEP_TASK)
        return len(self._renditions()) >= wanted

    @staticmethod
    def _all_done() -> bool:
        return Batch.objects.count() > 0 and not Batch.objects.exclude(state=Batch.State.DONE).exists()

    def _kill(self, number: int) -> None:
        role = self._chance.choices(list(ROLES), weights=list(ROLES.values()))[0]
        pids = self._processes(role)
        if not pids:
            return
        if role != "worker":
            with suppress(ProcessLookupError):  # it has ended by itself meanwhile
                os.kill(self._chance.choice(pids), signal.SIGKILL)
        else:
            self._worker.kill()
            try:
                wait_until(lambda: not processes_of(self._home), what="nothing lives on", seconds=20)
            except AssertionError:
                self.summary.problems.append(f"round {number}: {processes_of(self._home)} live on")
        self.summary.kills[role] += 1
        done = self._renditions()
        if role == "worker":
            self._worker.start()
        self._done |= done

    def _processes(self, role: str) -> list[int]:
        """Of this run alone: by its home, and what they were started as."""

        match role:
            case "worker":
                return [self._worker.pid]
            case "child":
                return children_of(self._worker.pid)
            case _:
                return [pid for pid in processes_of(self._home) if _is_codec(pid)]

    def _renditions(self) -> dict[str, tuple[int, int]]:
        """What tells each rendition that is there."""
        found = (self._intake.store.root / "renditions").rglob("*.dcm")
        return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in found}

    def _check(self, number: int, instances: list[StoredInstance], kills: int) -> None:
        store = self._intake.store
        decodes = len(self._decoded.read_text().splitlines())
        renditions = self._renditions()
        problems = [
            f"{one.sop_instance_uid} has no rendition"
            for one in instances
            if fresh_rendition(store, one.path, _NATIVE) is None
        ]
        problems += [
            f"{name} was made again" for name, what in self._done.items() if renditions[name] != what
        ]
        # A kill costs what is being decoded, and as much again that is on its way to its place.
        if decodes > INSTANCES + kills * 2 * PROCESSES:
            problems.append(f"{decodes} decodes of {INSTANCES} instances, with {kills} kills")
        problems += [f"{row} is left" for row in UnrenderedInstance.objects.all()]
        wait_until(lambda: not processes_of(self._home), what="nothing lives on", seconds=20)
        age_incoming_files(store.root, seconds=_LONG_SECONDS)
        self._dispatcher.publish_pending()
        problems += [f"{path} lies about" for path in being_written(store.root)]
        self.summary.problems += [f"round {number}: {problem}" for problem in problems]
        self.summary.rounds += 1
        self.summary.instances += len(instances)
        self.summary.decodes += decodes


def _is_codec(pid: int) -> bool:
    try:
        return b"codec_process" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
