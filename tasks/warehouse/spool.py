"""The spool: rows that wait for the warehouse, in files that are whole or not there at all.

    waiting/<table>/<when>-<random>.<rows>.ndjson   rows that were appended together
    loading/<table>.json                             what is being loaded (tasks.warehouse.plan)
    progress/<table>.json                            how loading goes (tasks.warehouse.progress)
    dead/<table>/                                    what the warehouse refuses (tasks.warehouse.dead_letters)
    journal/                                         accesses (tasks.warehouse.access_journal)
    incoming/                                        files being written

Any number of processes append at once, each to files of its own; one process loads. Rows that are appended
twice, because a batch was delivered twice, are one row in the warehouse: every table has a key.
"""

import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dicomhub.configuration.receiving import Durability
from dicomhub.environment import Environment
from dicomhub.storage.durable import make_directories, put, sync_directory
from dicomhub.storage.incoming import IncomingFile, remove_orphans
from dicomhub.storage.lock import try_lock
from tasks.warehouse.tables import Table

SUFFIX = ".ndjson"
# Receiving stops where the reserve begins. What waits for a warehouse that is down stops before that, so that
# it never costs an image.
_RESERVES = 2


class SpoolFull(Exception):
    """The disk is too full to keep rows; the message says how full."""

    def __init__(self, *, free_bytes: int, least_bytes: int) -> None:
        super().__init__(
            f"the warehouse's spool has to leave {least_bytes} bytes of its disk free: {free_bytes} are"
        )
        self.free_bytes = free_bytes
        self.least_bytes = least_bytes


@dataclass(frozen=True, slots=True)
class RowsFile:
    """A file of rows, a line each."""

    path: Path
    number_of_rows: int
    size_bytes: int
    written_at: datetime


class Spool:
    def __init__(self, root: Path, *, durability: Durability, reserve_bytes: int) -> None:
        self.root = root
        self._is_power_safe = durability == "power"
        self._least_free_bytes = _RESERVES * reserve_bytes
        self._incoming = root / "incoming"

    def waiting_directory(self, table: Table) -> Path:
        return self.root / "waiting" / table.name

    def append(self, rows: Mapping[Table, list[bytes]]) -> None:
        """Keep rows (a JSON object each, without a newline) until the warehouse has them.

        When it returns they are on the disk. Raises SpoolFull or OSError: then some tables' rows may be there
        and others' not, and all of them are to be appended again. Of one table there are all or none.
        """
        self._check_free_space()
        name = new_name()
        for table, lines in rows.items():
            if lines:
                target = self.waiting_directory(table) / f"{name}.{len(lines)}{SUFFIX}"
                self.write(target, b"\n".join([*lines, b""]))

    def write(self, target: Path, data: bytes) -> None:
        """Put a file in its place: whole, on the disk, or not at all. Raises OSError."""
        self._make_directory(self._incoming)
        incoming = IncomingFile(self._incoming)
        try:
            incoming.write([data])
            put(incoming, target, is_power_safe=self._is_power_safe)
        finally:
            incoming.discard()

    def sync(self, directory: Path) -> None:
        if self._is_power_safe:
            sync_directory(directory)

    def waiting(self, table: Table) -> list[RowsFile]:
        """What waits to be loaded, oldest first."""
        return rows_files(self.waiting_directory(table))

    def remove_orphans(self) -> int:
        """Remove what appends that were killed have left; they were acknowledged to nobody."""
        return remove_orphans(self._incoming) if self._incoming.exists() else 0

    @contextmanager
    def locked(self) -> Iterator[bool]:
        """Hold the lock of the one that loads; False when another process has it."""
        self._make_directory(self.root)
        descriptor = os.open(self.root / "loader.lock", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            yield try_lock(descriptor)
        finally:
            os.close(descriptor)

    def _make_directory(self, directory: Path) -> None:
        make_directories(directory, is_power_safe=self._is_power_safe)

    def _check_free_space(self) -> None:
        self._make_directory(self.root)
        status = os.statvfs(self.root)
        free_bytes = status.f_bavail * status.f_frsize
        if free_bytes < self._least_free_bytes:
            raise SpoolFull(free_bytes=free_bytes, least_bytes=self._least_free_bytes)


def new_name() -> str:
    """A name that sorts by time, and that nobody else makes."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{secrets.token_hex(6)}"


def rows_files(directory: Path) -> list[RowsFile]:
    """The files of rows in a directory, in the order of their names; none when it does not exist."""
    try:
        entries = os.scandir(directory)
    except FileNotFoundError:
        return []
    with entries:
        return sorted(_files(entries), key=lambda file: file.path.name)


def _files(entries: Iterable[os.DirEntry[str]]) -> Iterator[RowsFile]:
    for entry in entries:
        if not entry.name.endswith(SUFFIX):
            continue
        try:
            status = entry.stat()
        except FileNotFoundError:
            continue  # loaded meanwhile
        rows = entry.name.removesuffix(SUFFIX).rpartition(".")[2]
        yield RowsFile(
            path=Path(entry.path),
            number_of_rows=int(rows) if rows.isdecimal() else 0,
            size_bytes=status.st_size,
            written_at=datetime.fromtimestamp(status.st_mtime, UTC),
        )


def open_spool(environment: Environment) -> Spool:
    return Spool(
        environment.warehouse.spool,
        durability=environment.intake.durability,
        reserve_bytes=environment.intake.disk_reserve_bytes,
    )
