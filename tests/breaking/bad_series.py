"""A compressed series with instances that make their decoder hang, abort or eat memory, brought in again and again.

For a process in which Django is set up; a real worker takes the batches through all stages. Each round forgets
what the last one has made, brings a clean series of the same length in, and then the bad one: each bad instance
costs itself alone.
"""

import shutil
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pydicom

from dicomhub.archive.models import Batch
from dicomhub.environment import read_environment
from dicomhub.intake.door import Intake
from dicomhub.storage.layout import RENDITIONS
from dicomhub.transcoding.models import TranscodeAttempt, TranscodePolicy, UnrenderedInstance
from tasks.app import create_app
from tasks.messages import InstanceBatch, StoredInstance
from tasks.publish import publish_batch
from tasks.transcode.orders import Outcome
from tests.support.incoming import being_written
from tests.support.lossless_ct import write_lossless_ct
from tests.support.receiving import receive
from tests.support.stack import processes_of
from tests.support.waiting import wait_until
from tests.support.worker_process import Worker
from tests.transcode import bad_decoders
from tests.transcode.bad_decoders import ABORT, EAT, HANG, spoil

DEEDS = {HANG: (3, Outcome.TIMEOUT), ABORT: (2, Outcome.CRASHED), EAT: (2, Outcome.OUT_OF_MEMORY)}
RECORDS = Counter({outcome.value: number for number, outcome in DEEDS.values()})
BAD = RECORDS.total()
SECONDS = 5.0
MEMORY_BYTES = 512 * 1024**2
_NATIVE = "1.2.840.10008.1.2.1"
_BATCH_SECONDS = 900
_TIME_LIMITS = ("TimeLimitExceeded", "time limit")


@dataclass
class Summary:
    rounds: int = 0
    renditions: int = 0
    records: int = 0
    clean_seconds: list[float] = field(default_factory=list)
    bad_seconds: list[float] = field(default_factory=list)
    limit_seconds: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def ratios(self) -> list[float]:
        """The bad series' time without the limits that it ran into, by the clean one's."""
        times = zip(self.clean_seconds, self.bad_seconds, self.limit_seconds, strict=True)
        return [(bad - limit) / clean for clean, bad, limit in times]


def variables_of(folder: Path, *, database_url: str, redis_url: str) -> dict[str, str]:
    return {
        "DICOMHUB_HOME": str(folder / "home"),
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "STORE_RESERVE_BYTES": "0",
        "CODEC_MODULES": bad_decoders.__name__,
        "CODEC_PROCESSES": "2",
        "CODEC_SECONDS": str(SECONDS),
        "CODEC_MEMORY_BYTES": str(MEMORY_BYTES),
    }


class BadSeries:
    def __init__(self, folder: Path, variables: dict[str, str], *, instances: int, rows: int = 512) -> None:
        self._instances = instances
        self._home = Path(variables["DICOMHUB_HOME"])
        environment = read_environment(variables)
        intake = Intake.open(environment, owner="rounds")
        self._store = intake.store
        different = min(30, instances // 10)
        clean, bad = (
            write_lossless_ct(folder / name, instances=instances, different=different, rows=rows)
            for name in ("clean", "bad")
        )
        self._spoil(bad)
        self._clean, self._bad = (
            tuple(receive(intake, path).instance for path in paths) for paths in (clean, bad)
        )
        TranscodePolicy.objects.create(tenant_id="default", viewer_transfer_syntaxes=[_NATIVE])
        self._app = create_app(environment.broker_url())
        self._worker = Worker(variables, self._app, folder / "worker.log")
        self._worker.start()
        self.summary = Summary()

    def close(self) -> None:
        self._worker.stop()
        self._app.close()
        wait_until(lambda: not processes_of(self._home), what="nothing lives on")

    def _spoil(self, paths: list[Path]) -> None:
        """Spread over the series and over the transfer syntaxes."""
        deeds = [deed for deed, (number, _) in DEEDS.items() for _ in range(number)]
        for place, deed in enumerate(deeds):
            path = paths[(place + 1) * (len(paths) // (BAD + 1)) + place]
            data_set = pydicom.dcmread(path)
            spoil(data_set, deed)
            data_set.save_as(path)

    def run(self) -> None:
        """One round, and what must hold after it."""
        shutil.rmtree(self._store.root / RENDITIONS, ignore_errors=True)
        UnrenderedInstance.objects.all().delete()
        TranscodeAttempt.objects.all().delete()
        clean_seconds = self._taken_through(self._clean)
        problems = self._problems(self._instances, Counter())
        bad_seconds = self._taken_through(self._bad)
        problems += self._problems(2 * self._instances - BAD, RECORDS)
        problems += [f"{path} lies about" for path in being_written(self._store.root)]
        if any(words in self._worker.log() for words in _TIME_LIMITS):
            problems.append("the worker came to a time limit of its own")
        timeouts = TranscodeAttempt.objects.filter(outcome=Outcome.TIMEOUT)
        summary = self.summary
        summary.rounds += 1
        summary.renditions += self._renditions() - self._instances
        summary.records += UnrenderedInstance.objects.count()
        summary.clean_seconds.append(clean_seconds)
        summary.bad_seconds.append(bad_seconds)
        summary.limit_seconds.append(timeouts.count() * SECONDS)
        summary.problems += [f"round {summary.rounds}: {problem}" for problem in problems]

    def _taken_through(self, instances: tuple[StoredInstance, ...]) -> float:
        """Seconds that a batch takes through all stages."""
        batch = InstanceBatch(batch_id=str(uuid4()), instances=instances)
        began_at = time.monotonic()
        publish_batch(self._app, batch)
        rows = Batch.objects.filter(pk=batch.batch_id, state__in=(Batch.State.DONE, Batch.State.FAILED))
        wait_until(rows.exists, what="the batch has come to its end", seconds=_BATCH_SECONDS)
        seconds = time.monotonic() - began_at
        row = rows.get()
        if (row.state, row.attempts, row.error) != (Batch.State.DONE, 1, ""):
            self.summary.problems.append(f"a batch is {row.state} after {row.attempts} attempts: {row.error}")
        return seconds

    def _problems(self, renditions: int, records: Counter[str]) -> list[str]:
        """So many renditions, each instance without one recorded as what its decoder did, and no other failure."""
        found = self._renditions()
        problems = [] if found == renditions else [f"{found} renditions, not {renditions}"]
        rows = UnrenderedInstance.objects.filter(state=UnrenderedInstance.State.GIVEN_UP)
        recorded = Counter(tried.get(bad_decoders.NAME, "") for tried in rows.values_list("tried", flat=True))
        if recorded != records or UnrenderedInstance.objects.count() != records.total():
            problems.append(f"the records: {recorded}")
        failed = TranscodeAttempt.objects.filter(codec=bad_decoders.NAME).exclude(outcome=Outcome.RENDERED)
        outcomes = Counter(failed.values_list("outcome", flat=True))
        if outcomes != records:
            problems.append(f"the failed attempts: {outcomes}")
        return problems

    def _renditions(self) -> int:
        return len(list((self._store.root / RENDITIONS).rglob("*.dcm")))
