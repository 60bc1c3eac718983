"""The child that writes metrics and status, so that no slow or hanging disk can hold up the supervisor."""

import select
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from dicomhub.exposition import Family, Sample, gauge
from dicomhub.intake.journal import CUT, OPEN, PUBLISHED
from dicomhub.log import logger
from dicomhub.storage.filesystem import FilesystemStore, open_store
from dicomhub.storage.incoming import incoming_files
from dicomhub.storage.layout import INCOMING, JOURNAL
from scp.child import ChildContext
from scp.exposing import SnapshotFile, snapshot
from scp.publishing import StatusPublisher
from scp.scoreboard import ChildState

_PERIOD_SECONDS = 1.0
_DAMAGED = ".damaged"


class Meter:
    def __init__(self, context: ChildContext) -> None:
        self._context = context
        self._store = open_store(context.environment)
        self._file = SnapshotFile(context.environment.scp_metrics_file)
        self._is_writing = True
        self._status = StatusPublisher(context)

    def run(self) -> None:
        self._context.listeners.close()  # else a port would stay open as long as this child lives
        self._context.slot.set_state(ChildState.ATTENDING)
        while not self._context.is_to_stop():
            self._context.slot.beat()
            self._write()
            self._status.publish()
            select.select([self._context.stop], [], [], _PERIOD_SECONDS)
        self._write()

    def _write(self) -> None:
        try:
            self._file.write(snapshot(self._context.scoreboard, *self._of_the_store()))
        except OSError as error:
            if self._is_writing:
                logger().error("metrics_not_written", error=str(error))
            self._is_writing = False
        else:
            self._is_writing = True

    def _of_the_store(self) -> Iterator[Family]:
        intake = self._context.environment.intake
        yield gauge("dicomhub_store_free_bytes", "Free space of the store.", self._store.free_bytes())
        yield gauge("dicomhub_store_reserve_bytes", "STORE_RESERVE_BYTES.", intake.disk_reserve_bytes)
        yield gauge(
            "dicomhub_store_incoming_files", "Files that are being written.", _number_of_files(self._store)
        )
        yield from _journal(self._store.absolute(JOURNAL))


def _number_of_files(store: FilesystemStore) -> int:
    return sum(1 for _ in incoming_files(store.absolute(INCOMING)))


def _journal(directory: Path) -> Iterator[Family]:
    """The segments of all hosts that share the store."""
    segments: Counter[str] = Counter()
    oldest = now = time.time()
    with suppress(FileNotFoundError):  # nobody has opened the journal yet
        for path in directory.iterdir():
            segments[path.suffix] += 1
            if path.suffix == CUT:
                with suppress(FileNotFoundError):  # published in this moment
                    oldest = min(oldest, path.stat().st_mtime)
    yield Family(
        "dicomhub_journal_segments",
        "gauge",
        "Segments by state: open, cut (to be published), published (to be confirmed), damaged.",
        [Sample(segments[s], (("state", s[1:]),)) for s in (OPEN, CUT, PUBLISHED, _DAMAGED)],
    )
    yield gauge(
        "dicomhub_journal_oldest_cut_seconds",
        "How long the oldest segment that is to be published has been waiting.",
        round(now - oldest, 3),
    )


def meter(context: ChildContext) -> None:
    Meter(context).run()
