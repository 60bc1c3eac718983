"""Files that are being written: nothing in incoming/ belongs to the archive yet.

Whoever makes a file, or gives it another name, holds its folder's lock in the kernel: so those who receive at
the same time have folders of their own.
"""

import fcntl
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from dicomhub.storage.lock import try_lock

# Linux takes at most this many buffers in one writev.
IOV_MAX = 1024
# A disk of 2 MB/s syncs as much in half a minute, and a child that is silent for a whole one is killed.
SYNC_BYTES = 64 * 1024 * 1024
# An orphan younger than this may belong to a process that has not locked it yet.
_ORPHAN_SECONDS = 60
# Processes that are made one after the other have different ones. A folder stays: none has to be removed.
_FOLDERS = 64


def own_folder(incoming: Path) -> Path:
    """The folder in incoming/ for files of this process. It may be shared, and need not be there."""
    return incoming / f"{os.getpid() % _FOLDERS:02d}"


def incoming_files(incoming: Path) -> Iterator[Path]:
    """All files that are being written, or that their writers have left. Raises FileNotFoundError."""
    for path in incoming.iterdir():
        if path.is_dir():
            yield from path.iterdir()
        else:
            yield path


class IncomingFile:
    """A file under incoming/, locked as long as its writer lives, so that others can tell an orphan."""

    __slots__ = ("_descriptor", "name", "size_bytes")

    def __init__(self, directory: Path, *, source: Path | None = None) -> None:
        """Begin a file, or give a whole one another name here."""
        self.name = f"{directory}/{os.getpid()}-{secrets.token_hex(8)}.part"
        if source is None:
            self._descriptor = os.open(self.name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        else:
            self._descriptor = os.open(source, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            self.size_bytes = os.fstat(self._descriptor).st_size
            if source is not None:  # under the lock: it may be old enough to be taken for an orphan
                os.link(source, self.name)
        except OSError:
            self.discard()
            raise

    @classmethod
    def adopt(cls, name: str, descriptor: int, *, size_bytes: int) -> Self:
        """Go on with a file that was begun, and locked, elsewhere."""
        file = cls.__new__(cls)
        file.name, file._descriptor, file.size_bytes = name, descriptor, size_bytes  # noqa: SLF001 - it is ours
        return file

    @property
    def path(self) -> Path:
        return Path(self.name)

    def fileno(self) -> int:
        return self._descriptor

    def write(self, buffers: Sequence[bytes | memoryview]) -> None:
        """Append the buffers with as few system calls as the kernel allows, and no copy of ours."""
        if len(buffers) > IOV_MAX:
            for first in range(0, len(buffers), IOV_MAX):
                self.write(buffers[first : first + IOV_MAX])
            return
        written = os.writev(self._descriptor, buffers)
        self.size_bytes += written
        if written != sum(map(len, buffers)):
            self._write_what_is_left(buffers, written)

    def _write_what_is_left(self, buffers: Sequence[bytes | memoryview], written: int) -> None:
        """After a short write: the disk is nearly full, or the run passed the kernel's limit for one call."""
        for buffer in buffers:
            if written >= len(buffer):
                written -= len(buffer)
                continue
            self._write_rest(memoryview(buffer)[written:])
            written = 0

    def _write_rest(self, rest: memoryview) -> None:
        while rest:
            written = os.write(self._descriptor, rest)
            self.size_bytes += written
            rest = rest[written:]

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def discard(self) -> None:
        """Remove the file, if it is still there. May be called any number of times."""
        if self._descriptor >= 0:
            # What cannot be removed now is an orphan once it is closed, and must not change an answer.
            with suppress(OSError):
                os.unlink(self.name)  # noqa: PTH108 - once an instance: no Path for it
            self.close()


class SyncedIncomingFile(IncomingFile):
    """One that is going to be synced: done as it grows, so that its end has not to wait for all of it."""

    __slots__ = ("_synced_bytes",)

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._synced_bytes = 0

    @classmethod
    def adopt(cls, name: str, descriptor: int, *, size_bytes: int) -> Self:
        file = super().adopt(name, descriptor, size_bytes=size_bytes)
        file._synced_bytes = 0  # noqa: SLF001 - it is ours
        return file

    def write(self, buffers: Sequence[bytes | memoryview]) -> None:
        super().write(buffers)
        if self.size_bytes - self._synced_bytes >= SYNC_BYTES:
            os.fdatasync(self._descriptor)
            self._synced_bytes = self.size_bytes


def remove_orphans(directory: Path) -> int:
    """Remove incoming files whose writer is gone; return how many."""
    removed = 0
    for path in incoming_files(directory):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            if time.time() - os.fstat(descriptor).st_mtime < _ORPHAN_SECONDS:
                continue
            if try_lock(descriptor):  # its writer is gone
                path.unlink(missing_ok=True)
                removed += 1
        finally:
            os.close(descriptor)
    return removed
