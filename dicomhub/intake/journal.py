"""The journal: which archived instances the database does not know of yet.

A segment is one file, and one batch. Its name says where it stands:

    <batch id>.new         its writer is about to begin it
    <batch id>.open        its writer appends to it, and holds a lock on it as long as it lives
    <batch id>.cut         complete; to be published
    <batch id>.published   the broker has taken it; the database has not confirmed it

Whoever has put the batch into the database settles the segment, that is, removes it. Until then it can be
published again at any time, and that is harmless: a batch keeps its id. So neither a broker that forgets nor
a process that dies can lose an instance.

Line 1 of a segment is its header, every further line an instance (tasks.messages).
"""

import errno
import fcntl
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec

from dicomhub.configuration.receiving import Durability
from dicomhub.log import logger
from dicomhub.storage.durable import sync_directory
from tasks.messages import SCHEMA_VERSION, StoredInstance, encode_instance

NEW, OPEN, CUT, PUBLISHED = ".new", ".open", ".cut", ".published"
SYNC_SECONDS = 1.0
RETRY_SECONDS = 1.0
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class SegmentHeader(msgspec.Struct, frozen=True):
    """Line 1 of a segment. Another boot_id than the host's of today means that it stopped in between."""

    schema_version: int
    host: str
    owner: str
    boot_id: str


@cache
def current_boot_id() -> str:
    """This boot's, which no process of it survives. Read once: every association begins a segment."""
    return _BOOT_ID.read_text("ascii").strip()


def new_batch_id() -> str:
    """An id that sorts by time and says when it was made."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(6)}"


class Loan(NamedTuple):
    """An open segment in other hands: its size, and how many lines it still takes."""

    descriptor: int
    size_bytes: int
    quota: int


class _Segment:
    """The open segment of one writer."""

    def __init__(self, directory: Path, *, owner: str, durability: Durability) -> None:
        self.batch_id = new_batch_id()
        self.opened_at = time.monotonic()
        self.number_of_instances = 0
        self._path = directory / f"{self.batch_id}{NEW}"
        self._is_power_safe = durability == "power"
        self._descriptor = os.open(
            self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o640
        )
        self._size_bytes = 0
        self._synced_at: float | None = None
        self._is_synced = True
        self.is_sound = True  # False: nothing more may be written to it
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            header = SegmentHeader(
                schema_version=SCHEMA_VERSION,
                host=socket.gethostname(),
                owner=owner,
                boot_id=current_boot_id(),
            )
            self._write(msgspec.json.encode(header))
            # Only now, locked and with its header: an open segment that nobody has locked is an orphan.
            self._path = self._path.rename(self._path.with_suffix(OPEN))
        except OSError:
            os.close(self._descriptor)
            self._path.unlink()
            raise

    def append(self, instance: StoredInstance) -> None:
        """Append an instance's line and sync it if that is due, or leave no line. Raises OSError."""
        size_bytes = self._size_bytes
        self._write(encode_instance(instance))
        try:
            self.sync_if_due()
        except OSError:
            # What was not synced may not be in the next sync either: no more into this file.
            self.is_sound = False
            self._shorten(size_bytes)
            raise
        self.number_of_instances += 1

    def lend(self) -> tuple[int, int]:
        """Descriptor and size, for who appends whole lines and tells of them by account()."""
        return self._descriptor, self._size_bytes

    def account(self, *, instances: int, size_bytes: int, is_sound: bool) -> None:
        self.number_of_instances += instances
        self._size_bytes = size_bytes
        self._is_synced = self._is_synced and not instances
        self.is_sound = self.is_sound and is_sound

    def _write(self, line: bytes) -> None:
        """Append one line, whole or not at all. Raises OSError."""
        line += b"\n"
        try:
            written = os.write(self._descriptor, line)
        except OSError:
            self._shorten(self._size_bytes)
            raise
        if written != len(line):
            self._shorten(self._size_bytes)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._size_bytes += written
        self._is_synced = False

    def _shorten(self, size_bytes: int) -> None:
        try:
            os.ftruncate(self._descriptor, size_bytes)
        except OSError:
            self.is_sound = False  # the next line would be glued to half a one
            raise
        self._size_bytes = size_bytes

    def sync_deadline(self) -> float | None:
        if self._is_synced or not self._is_power_safe or self._synced_at is None:
            return None
        return self._synced_at + SYNC_SECONDS

    def sync_if_due(self) -> None:
        """Sync at most once a second; the first line at once, together with the segment's name.

        A segment that survives a power failure shows from when on lines may be missing (reconcile).
        """
        if self._is_synced or not self._is_power_safe:
            return
        now = time.monotonic()
        if self._synced_at is None:
            os.fsync(self._descriptor)
            sync_directory(self._path.parent)
        elif now - self._synced_at >= SYNC_SECONDS:
            os.fdatasync(self._descriptor)
        else:
            return
        self._synced_at = now
        self._is_synced = True

    def cut(self) -> None:
        """Raises OSError, and it is as it was then."""
        if self._is_power_safe and not self._is_synced:
            try:
                os.fdatasync(self._descriptor)
            except OSError as error:
                # All the more reason to have it published soon.
                logger().error("journal_not_synced", batch=self.batch_id, error=str(error))
        self._path.rename(self._path.with_suffix(CUT))
        os.close(self._descriptor)


class Journal:
    """One writer's end of the journal: at most one open segment, cut by count, by age or when told.

    Threads may share it.
    """

    def __init__(
        self,
        directory: Path,
        *,
        owner: str,
        durability: Durability,
        batch_max_instances: int,
        batch_max_seconds: float,
        was_cut: Callable[[], None] = lambda: None,
    ) -> None:
        """was_cut is called whenever a segment has been cut, for whatever reason."""
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._owner = owner
        self._durability = durability
        self._batch_max_instances = batch_max_instances
        self._batch_max_seconds = batch_max_seconds
        self._segment: _Segment | None = None
        self._not_before = 0.0
        self._was_cut = was_cut
        self._lock = threading.RLock()

    def append(self, instance: StoredInstance) -> None:
        """Note an archived instance. Raises OSError, and the journal is as it was before then."""
        with self._lock:
            if self._segment is not None and not self._segment.is_sound:
                self._cut()
            if self._segment is None:
                self._segment = _Segment(self._directory, owner=self._owner, durability=self._durability)
            self._segment.append(instance)
            self.cut_if_due()

    def lend(self) -> Loan | None:
        """The open segment, for who appends lines without us; None when there is none that takes any.

        Only for who has this journal for itself, and tells of what it wrote, by account(), before anything
        else is asked of the journal.
        """
        segment = self._segment
        if segment is None or not segment.is_sound:
            return None
        descriptor, size_bytes = segment.lend()
        quota = self._batch_max_instances - segment.number_of_instances
        return Loan(descriptor, size_bytes, quota) if quota > 0 else None

    def account(self, *, instances: int, size_bytes: int, is_sound: bool) -> None:
        """Take back what was lent: its size, and how many lines were added. Cuts it if due."""
        assert self._segment is not None, "what is lent is not cut"
        self._segment.account(instances=instances, size_bytes=size_bytes, is_sound=is_sound)
        if instances:
            self.cut_if_due()

    def next_deadline(self) -> float | None:
        """When, on time.monotonic(), cut_if_due has something to do; None while nothing is open."""
        with self._lock:
            if self._segment is None:
                return None
            cut_at = self._segment.opened_at + self._batch_max_seconds
            sync_at = self._segment.sync_deadline()
        return max(self._not_before, cut_at if sync_at is None else min(cut_at, sync_at))

    def cut_if_due(self) -> bool:
        """Cut a segment that is full or old enough, else sync it if that is due. True when it was cut."""
        with self._lock:
            segment = self._segment
            now = time.monotonic()
            if segment is None or now < self._not_before:
                return False
            is_full = segment.number_of_instances >= self._batch_max_instances
            if is_full or now - segment.opened_at >= self._batch_max_seconds:
                return self.cut()
            try:
                segment.sync_if_due()
            except OSError as error:
                logger().error("journal_not_synced", batch=segment.batch_id, error=str(error))
                return self.cut()
            return False

    def cut(self) -> bool:
        """Close the open segment, if there is one, for the dispatcher to publish. True when it was cut.

        One that cannot be renamed stays open and is tried again a little later. What it names was answered
        and is safe, so this is nobody's failure: when its writer is gone, the dispatcher cuts it.
        """
        with self._lock:
            if self._segment is None:
                return False
            try:
                self._cut()
            except OSError as error:
                self._not_before = time.monotonic() + RETRY_SECONDS
                logger().error("journal_not_cut", error=str(error))
                return False
            return True

    def _cut(self) -> None:
        if self._segment is not None:
            self._segment.cut()
            self._segment = None
            self._was_cut()


def settle(directory: Path, batch_id: str) -> None:
    """Remove the segment of a batch that the database holds. Missing is fine: it was settled before.

    The order matters: a cut segment may become a published one between the two, never the other way round.
    """
    for suffix in (CUT, PUBLISHED):
        (directory / f"{batch_id}{suffix}").unlink(missing_ok=True)
