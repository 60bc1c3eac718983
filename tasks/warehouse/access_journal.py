"""The journal of accesses: a line a request, written by web workers and moved to the spool by the loader.

    journal/<host>-<pid>-<random>.open    its process appends to it
    journal/<host>-<pid>-<random>.taken   the loader is moving it

An append is one write under the file's lock. So what a killed process has written is there, and nobody writes
to a file that the loader has taken: who finds that its file has gone begins another.
"""

import errno
import fcntl
import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dicomhub.log import logger
from dicomhub.storage.lock import try_lock
from tasks.warehouse.spool import Spool
from tasks.warehouse.tables import ACCESS_LOG

OPEN, TAKEN = ".open", ".taken"


def journal_directory(spool_root: Path) -> Path:
    return spool_root / "journal"


class AccessJournal:
    """One process's end of it, for all of its threads. Nothing is made before the first line."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._guard = threading.Lock()  # of the descriptor: the file's lock is between processes
        self._descriptor = -1
        self._path = directory
        self._inode = -1

    def append(self, line: bytes) -> None:
        """Append a line (without its newline), whole or not at all. Raises OSError."""
        with self._guard, self._locked() as descriptor:
            size_bytes = os.fstat(descriptor).st_size
            written = os.write(descriptor, line + b"\n")
            if written != len(line) + 1:
                os.ftruncate(descriptor, size_bytes)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    @contextmanager
    def _locked(self) -> Iterator[int]:
        while not self._lock():
            self._begin()
        try:
            yield self._descriptor
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def _lock(self) -> bool:
        """False when there is no file, or it was taken."""
        if self._descriptor < 0:
            return False
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            return self._path.stat().st_ino == self._inode
        except FileNotFoundError:
            return False

    def _begin(self) -> None:
        self.close()
        self._directory.mkdir(parents=True, exist_ok=True)
        name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(6)}{OPEN}"
        self._path = self._directory / name
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(self._path, flags, 0o640)
        self._inode = os.fstat(self._descriptor).st_ino

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def collect(spool: Spool) -> None:
    """Move what is in the journal to the spool. To be called by the one that loads.

    Killed in between, the next one appends the same rows again, and the warehouse has them once. Raises
    SpoolFull or OSError, and the rows stay in the journal.
    """
    directory = journal_directory(spool.root)
    for path in sorted(directory.glob(f"*{OPEN}")):
        _take(path)
    for path in sorted(directory.glob(f"*{TAKEN}")):
        whole, _, torn = path.read_bytes().rpartition(b"\n")
        if torn:
            logger().warning("access_line_torn", file=path.name, bytes=len(torn))
        spool.append({ACCESS_LOG: [line for line in whole.split(b"\n") if line]})
        path.unlink()


def _take(path: Path) -> None:
    with suppress(FileNotFoundError), path.open("rb") as file:
        if try_lock(file.fileno()):  # else somebody writes: the next time
            path.rename(path.with_suffix(TAKEN))
