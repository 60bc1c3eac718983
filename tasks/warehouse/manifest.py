"""What a table of Parquet files is made of, and how it changes while others read it.

    <table>/manifest.json          the manifest of now: the compacted files, and whose labels' rows they hold
    <table>/schema-<n>.parquet     no rows, all columns of this version of the schema
    <table>/retired/<n>.json       manifests of before, as long as somebody may read by them
    <table>/loads/<label>.parquet  a load each: not compacted yet, or consumed and soon to be removed
    <table>/data/...               files that a compaction wrote
    <table>/temporary/             files being written
    <table>/damaged/               files that could not be read, and are not the table's any more

A table's rows are those of the manifest's files and of the loads that the manifest has not consumed. A
manifest is never changed, only replaced. Who reads holds a shared lock on the manifest that he reads by, so
what may still be read is known exactly: the files of all manifests that somebody has locked.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import uuid4

import msgspec

from dicomhub.storage.durable import sync_directory
from dicomhub.storage.lock import try_lock
from tasks.warehouse.tables import SCHEMA_VERSION

_LOAD_SUFFIX = ".parquet"


class TableMissing(Exception):
    """The table was not created yet."""


class SchemaOlder(Exception):
    """The table has to be brought up to date for this program."""

    def __init__(self, version: int) -> None:
        super().__init__(f"version {version} is older than {SCHEMA_VERSION}")
        self.version = version


class ManifestDamaged(Exception):
    """The manifest is there and cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """month: "2026-11", or "" in a table without partitions. path is relative to the table's folder."""

    path: str
    rows: int
    size_bytes: int
    month: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """consumed: when (Unix time) the rows of a label moved into the files."""

    schema_version: int
    generation: int = 0
    files: tuple[DataFile, ...] = ()
    consumed: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A table at a moment. No key is twice among the compacted files; any may be again among the loads."""

    manifest: Manifest
    schema: Path
    compacted: tuple[Path, ...]
    loads: tuple[Path, ...]

    @property
    def files(self) -> tuple[Path, ...]:
        """The schema first. Of two rows with one key and one sequence, that of the later file stays."""
        return (self.schema, *self.compacted, *self.loads)


@dataclass(frozen=True, slots=True)
class TableFolder:
    path: Path

    @property
    def manifest_path(self) -> Path:
        return self.path / "manifest.json"

    @property
    def loads(self) -> Path:
        return self.path / "loads"

    @property
    def data(self) -> Path:
        return self.path / "data"

    @property
    def retired(self) -> Path:
        return self.path / "retired"

    @property
    def temporary(self) -> Path:
        return self.path / "temporary"

    @property
    def damaged(self) -> Path:
        return self.path / "damaged"

    def schema_path(self, version: int) -> Path:
        return self.path / f"schema-{version}.parquet"

    def load_path(self, label: str) -> Path:
        return self.loads / f"{label}{_LOAD_SUFFIX}"

    def create(self) -> None:
        for folder in (self.loads, self.data, self.retired, self.temporary):
            folder.mkdir(parents=True, exist_ok=True)

    def manifest(self) -> Manifest:
        """The manifest of now. Raises TableMissing, ManifestDamaged, OSError."""
        try:
            return _decoded(self.manifest_path.read_bytes())
        except FileNotFoundError:
            raise TableMissing(self.path.name) from None

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """The table as it is now; its files stay where they are inside the block.

        Raises TableMissing, SchemaOlder, ManifestDamaged, OSError.
        """
        with self._locked_manifest() as manifest:
            check_version(manifest)
            yield Snapshot(
                manifest,
                self.schema_path(manifest.schema_version),
                tuple(self.path / file.path for file in manifest.files),
                tuple(path for path in self.load_files() if label_of(path) not in manifest.consumed),
            )

    def load_files(self) -> list[Path]:
        """In the order in which they came."""
        found = []
        for path in self.loads.iterdir():
            with suppress(FileNotFoundError):  # consumed long ago, and removed just now
                found.append((path.stat().st_mtime_ns, path))
        return [path for _, path in sorted(found)]

    @contextmanager
    def _locked_manifest(self) -> Iterator[Manifest]:
        while True:
            try:
                file = self.manifest_path.open("rb")
            except FileNotFoundError:
                raise TableMissing(self.path.name) from None
            with file:
                fcntl.flock(file, fcntl.LOCK_SH)
                # Replaced before the lock was held: its files may be gone already.
                if os.fstat(file.fileno()).st_ino != self.manifest_path.stat().st_ino:
                    continue
                yield _decoded(file.read())
                return

    def replace_manifest(self, manifest: Manifest) -> None:
        """Make this the next manifest; that of now retires. Only for who holds the compaction lock."""
        with suppress(TableMissing):
            now = self.manifest()
            with suppress(FileExistsError):  # who retired it was killed before the next line
                os.link(self.manifest_path, self.retired / f"{now.generation}.json")
        new = self.temporary / f"{uuid4().hex}.json"
        with new.open("wb") as file:
            file.write(msgspec.json.encode(replace(manifest, generation=manifest.generation + 1)))
            file.flush()
            os.fsync(file.fileno())
        new.rename(self.manifest_path)
        sync_directory(self.path)

    def manifests_in_use(self) -> list[Manifest]:
        """That of now, and those by which somebody still reads; the others are forgotten."""
        in_use = [self.manifest()]
        for path in self.retired.iterdir():
            with path.open("rb") as file:
                if try_lock(file.fileno()):
                    path.unlink()
                else:
                    in_use.append(_decoded(file.read()))
        return in_use

    @contextmanager
    def compaction_lock(self, *, wait: bool = False) -> Iterator[bool]:
        """Yield whether nobody else compacts this table, on any host, while the block runs."""
        with (self.path / "compaction.lock").open("ab") as file:
            if wait:
                fcntl.flock(file, fcntl.LOCK_EX)
            yield try_lock(file.fileno())


def check_version(manifest: Manifest) -> None:
    """Raises SchemaOlder. A newer table is no fault: what this program loads has nulls in its new columns."""
    if manifest.schema_version < SCHEMA_VERSION:
        raise SchemaOlder(manifest.schema_version)


def label_of(load: Path) -> str:
    return load.name.removesuffix(_LOAD_SUFFIX)


def _decoded(content: bytes) -> Manifest:
    try:
        return msgspec.json.decode(content, type=Manifest)
    except msgspec.DecodeError as error:
        raise ManifestDamaged(str(error)) from error
