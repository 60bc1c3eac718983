"""A compressed series with instances that make their decoder hang, abort or eat memory, transcoded again and again.

For a process in which Django is set up. Each round forgets what the last one has made, transcodes a clean
series of the same length, and then the bad one: each bad instance costs itself alone.
"""

import shutil
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pydicom

from dicomhub.environment import Environment
from dicomhub.storage.layout import RENDITIONS
from dicomhub.transcoding import candidates
from dicomhub.transcoding.models import TranscodeAttempt, TranscodePolicy, UnrenderedInstance
from dicomhub.transcoding.running import run
from tasks.messages import StoredInstance
from tasks.transcode.candidate import Status
from tasks.transcode.orders import Outcome
from tasks.transcode.pool import CodecPool
from tasks.transcode.transcoder import Transcoder
from tests.dicomweb.filling import Filling
from tests.support.lossless_ct import write_lossless_ct
from tests.transcode import bad_decoders
from tests.transcode.bad_decoders import ABORT, EAT, HANG, spoil

DEEDS = {HANG: (3, Outcome.TIMEOUT), ABORT: (2, Outcome.CRASHED), EAT: (2, Outcome.OUT_OF_MEMORY)}
BAD = sum(number for number, _ in DEEDS.values())
SECONDS = 5.0
MEMORY_BYTES = 512 * 1024**2
_NATIVE = "1.2.840.10008.1.2.1"


@dataclass
class Summary:
    rounds: int = 0
    renditions: int = 0
    records: int = 0
    clean_seconds: list[float] = field(default_factory=list)
    bad_seconds: list[float] = field(default_factory=list)
    limit_seconds: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def worst_ratio(self) -> float:
        """The bad series' time without the limits that it ran into, by the clean one's."""
        times = zip(self.clean_seconds, self.bad_seconds, self.limit_seconds, strict=True)
        return max((bad - limit) / clean for clean, bad, limit in times)


class BadSeries:
    def __init__(self, environment: Environment, folder: Path, *, instances: int, rows: int = 512) -> None:
        settings = replace(
            environment.codec,
            processes=2,
            seconds=SECONDS,
            memory_bytes=MEMORY_BYTES,
            modules=(bad_decoders.__name__,),
        )
        self._instances = instances
        filling = Filling(environment)
        self._store = filling.store
        clean = write_lossless_ct(folder / "clean", instances=instances, rows=rows)
        bad = write_lossless_ct(folder / "bad", instances=instances, rows=rows)
        self._spoil(bad)
        self._clean, self._bad = filling.archive(*clean), filling.archive(*bad)
        filling.index(self._clean)
        filling.index(self._bad)
        TranscodePolicy.objects.create(tenant_id="default", viewer_transfer_syntaxes=[_NATIVE])
        self._pool = CodecPool(settings)
        self.summary = Summary()

    def _spoil(self, paths: list[Path]) -> None:
        """Spread over the series and over the transfer syntaxes."""
        deeds = [deed for deed, (number, _) in DEEDS.items() for _ in range(number)]
        for place, deed in enumerate(deeds):
            path = paths[(place + 1) * (len(paths) // (BAD + 1)) + place]
            data_set = pydicom.dcmread(path)
            spoil(data_set, deed)
            data_set.save_as(path)

    def rounds(self, number: int) -> Iterator[Summary]:
        """Yield the summary so far after each round."""
        with closing(self._pool):
            for round_ in range(1, number + 1):
                self._round(round_)
                yield self.summary

    def _round(self, number: int) -> None:
        shutil.rmtree(self._store.root / RENDITIONS, ignore_errors=True)
        UnrenderedInstance.objects.all().delete()
        TranscodeAttempt.objects.all().delete()
        statuses, clean_seconds = self._transcoded(self._clean)
        problems = [] if statuses == {Status.RENDERED: self._instances} else [f"the clean series: {statuses}"]
        statuses, bad_seconds = self._transcoded(self._bad)
        if statuses != {Status.RENDERED: self._instances - BAD, Status.GIVEN_UP: BAD}:
            problems.append(f"the bad series: {statuses}")
        outcomes = Counter(
            next(iter(row.tried.values())) for row in UnrenderedInstance.objects.filter(state="given up")
        )
        # On a machine that is very busy, what would have crashed may come to its time limit first.
        early = sum(
            count - outcomes[outcome] for count, outcome in DEEDS.values() if outcome is not Outcome.TIMEOUT
        )
        if outcomes.total() != BAD or outcomes[Outcome.TIMEOUT] != DEEDS[HANG][0] + early:
            problems.append(f"the records: {outcomes}")
        renditions = len(list((self._store.root / RENDITIONS).rglob("*.dcm")))
        if renditions != 2 * self._instances - BAD:
            problems.append(f"{renditions} renditions")
        problems += [f"{path} lies about" for path in (self._store.root / "incoming").iterdir()]
        failed = TranscodeAttempt.objects.exclude(outcome=Outcome.RENDERED)
        summary = self.summary
        summary.rounds += 1
        summary.renditions += renditions - self._instances
        summary.records += outcomes.total()
        summary.clean_seconds.append(clean_seconds)
        summary.bad_seconds.append(bad_seconds)
        summary.limit_seconds.append(sum(failed.values_list("seconds", flat=True)))
        summary.problems += [f"round {number}: {problem}" for problem in problems]

    def _transcoded(self, instances: list[StoredInstance]) -> tuple[Counter[Status], float]:
        began_at = time.monotonic()
        transcoder = Transcoder(self._store, self._pool, reserve_bytes=0)
        reports = run(transcoder, self._pool, candidates.of_batch(instances))
        statuses = Counter(report.status for report in reports)
        return statuses, time.monotonic() - began_at
