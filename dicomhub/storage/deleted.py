"""What was deleted from the archive and is kept for a while: below a folder a deletion, as it lay before.

A file leaves the archive by a rename: who has it open reads on. It is taken only if it got its name before
the deletion began, by the clock of the file system: an instance that is stored again meanwhile stays, however
often a deletion that was interrupted is taken up again. Folders of series stay, for senders hold locks on
them.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from dicomhub.standard.uid import is_uid
from dicomhub.storage.durable import make_directories, sync_directory
from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.storage.instance_file import SUFFIX, is_instance_name
from dicomhub.storage.layout import (
    VERSIONS,
    SeriesKey,
    deletion_directory,
    instance_path,
    series_directory,
    study_directory,
)
from dicomhub.storage.lock import directory_lock, open_locked


@dataclass(frozen=True, slots=True)
class DeletedFile:
    """path is where it lay, kept_path where it is; both are relative to the store's root."""

    key: SeriesKey
    sop_instance_uid: str
    path: str
    kept_path: str
    size_bytes: int


def open_deletion(store: FilesystemStore, deletion_id: str) -> int:
    """Make the folder of a deletion. Returns when that was, in ns, by the file system's clock."""
    directory = store.absolute(deletion_directory(deletion_id))
    make_directories(directory, is_power_safe=True)
    return directory.stat().st_ctime_ns


@contextmanager
def locked_deletion(store: FilesystemStore, deletion_id: str, *, wait: bool = True) -> Iterator[bool]:
    """Hold the one lock on a deletion; False when another process has it and it is not to be waited for."""
    directory = store.absolute(deletion_directory(deletion_id))
    make_directories(directory, is_power_safe=True)
    try:
        descriptor = open_locked(directory, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
        return
    try:
        yield True
    finally:
        os.close(descriptor)


def withdraw_series(
    store: FilesystemStore,
    key: SeriesKey,
    deletion_id: str,
    *,
    began_at_ns: int,
    sop_instance_uid: str | None = None,
) -> None:
    """Take the instances of a series, or one, out of the archive; with them go versions and renditions.

    Nobody stores into the series meanwhile. The second time there is nothing left to be done. Raises OSError.
    """
    directory = store.absolute(series_directory(*key))
    kept = store.absolute(deletion_directory(deletion_id)) / series_directory(*key)
    with suppress(FileNotFoundError), directory_lock(directory, fcntl.LOCK_EX):
        files = [
            file
            for file in sorted(directory.iterdir())
            if is_instance_name(file.name)
            and sop_instance_uid in (None, file.stem)
            and file.stat().st_ctime_ns <= began_at_ns
        ]
        for file in files:
            make_directories(kept, is_power_safe=True)
            path = instance_path(*key, file.stem)
            _withdraw_versions(store, path, deletion_id)
            file.rename(kept / file.name)
            store.remove_renditions(path)
        if files:
            sync_directory(kept)
            sync_directory(directory)


def _withdraw_versions(store: FilesystemStore, path: str, deletion_id: str) -> None:
    versions = _versions_directory(path)
    source, target = store.absolute(versions), store.absolute(deletion_directory(deletion_id)) / versions
    if source.is_dir():
        make_directories(target.parent, is_power_safe=True)
        source.rename(target)
        sync_directory(target.parent)


def put_versions_back(store: FilesystemStore, file: DeletedFile, deletion_id: str) -> None:
    """Those of an instance that is in the archive again. Raises OSError."""
    versions = _versions_directory(file.path)
    source, target = store.absolute(deletion_directory(deletion_id)) / versions, store.absolute(versions)
    if not source.is_dir():
        return
    make_directories(target, is_power_safe=True)
    for version in source.iterdir():
        version.rename(target / version.name)  # named by their digest: over one there is, it changes nothing
    sync_directory(target)


def deleted_files(store: FilesystemStore, deletion_id: str) -> Iterator[DeletedFile]:
    """What of a deletion is kept, the oldest of a series first: so it was received."""
    root = deletion_directory(deletion_id)
    for directory in sorted(store.absolute(root).glob("*/*/*")):
        tenant, study, series = directory.parts[-3:]
        if tenant == VERSIONS:
            continue
        key = SeriesKey(tenant, study, series)
        entries = [(entry.stat(), entry) for entry in directory.iterdir()]
        for status, entry in sorted(entries, key=lambda each: (each[0].st_mtime_ns, each[1].name)):
            uid = entry.name.removesuffix(SUFFIX)
            path = instance_path(*key, uid)
            yield DeletedFile(key, uid, path, f"{root}/{path}", status.st_size)


def remove_deletion(store: FilesystemStore, deletion_id: str) -> None:
    """Destroy what is kept of a deletion; begun before, it is taken up again. Raises OSError."""
    directory = store.absolute(deletion_directory(deletion_id))
    if directory.is_dir():
        shutil.rmtree(directory)


def series_on_disk(store: FilesystemStore, tenant: str, study: str) -> list[SeriesKey]:
    """The series of a study that have an archived file, whether the database knows them or not."""
    directory = store.absolute(study_directory(tenant, study))
    if not directory.is_dir():
        return []
    names = sorted(series.name for series in directory.iterdir() if is_uid(series.name))
    keys = [SeriesKey(tenant, study, name) for name in names]
    return [key for key in keys if has_instances(store, key)]


def has_instances(store: FilesystemStore, key: SeriesKey) -> bool:
    directory = store.absolute(series_directory(*key))
    return directory.is_dir() and any(is_instance_name(file.name) for file in directory.iterdir())


def _versions_directory(path: str) -> str:
    return f"{VERSIONS}/{path.removesuffix(SUFFIX)}"
