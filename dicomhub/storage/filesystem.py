"""The store on a file system: archived files, and the documents beside them.

What survives what: with durability "power" a file is on the disk, and so is its name, before archive()
returns; with "process" both are in the kernel's page cache, which outlives our process but not the machine.
"""

import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from dicomhub.configuration.receiving import Durability
from dicomhub.environment import Environment
from dicomhub.storage.digest import digest_of_file
from dicomhub.storage.durable import make_directories, put, sync_directory
from dicomhub.storage.incoming import IncomingFile, SyncedIncomingFile, own_folder
from dicomhub.storage.instance_file import InstanceFile, instance_file, is_instance_name
from dicomhub.storage.layout import INCOMING, rendition_paths, series_directory, version_path
from dicomhub.storage.lock import open_locked


class ArchiveOutcome(Enum):
    ARCHIVED = "archived"
    ALREADY_THERE = "already there"  # the same bytes: nothing has changed
    REPLACED = "replaced"  # other bytes: these are served now, the earlier ones are kept under versions/


class DuplicateInstance(Exception):
    """The SOP Instance UID is archived with other bytes, and the tenant's policy is to reject."""


@dataclass(frozen=True, slots=True)
class SeriesExtent:
    number_of_instances: int
    size_bytes: int


class FilesystemStore:
    def __init__(
        self, root: Path, *, durability: Durability, beat: Callable[[], None] = lambda: None
    ) -> None:
        """While something takes long, beat is called."""
        self.root = root
        self.beat = beat
        self._root_name = str(root)  # paths of instances are put together as text: no Path for each
        self._is_power_safe = durability == "power"
        self._kind_of_incoming = SyncedIncomingFile if self._is_power_safe else IncomingFile
        self.incoming = own_folder(root / INCOMING)
        self.incoming.parent.mkdir(parents=True, exist_ok=True)

    def absolute(self, relative: str) -> Path:
        return self.root / relative

    def free_bytes(self) -> int:
        """What is free for us on the store's file system, what is reserved for root left out."""
        status = os.statvfs(self._root_name)
        return status.f_bavail * status.f_frsize

    def create_incoming(self) -> IncomingFile:
        """Raises OSError."""
        try:
            return self._kind_of_incoming(self.incoming)
        except FileNotFoundError:
            # Made by the first who writes: on a full disk whoever opens the store is served all the same.
            self.incoming.mkdir(exist_ok=True)
            return self._kind_of_incoming(self.incoming)

    def adopt_incoming(self, name: str, descriptor: int, *, size_bytes: int) -> IncomingFile:
        """Go on with an incoming file that was begun, and locked, by somebody else in this process."""
        return self._kind_of_incoming.adopt(name, descriptor, size_bytes=size_bytes)

    def take_in(self, relative: str) -> IncomingFile:
        """A file that lies elsewhere in the store, whole, as an incoming one; it stays where it is, too."""
        self.incoming.mkdir(exist_ok=True)
        return IncomingFile(self.incoming, source=self.root / relative)

    def archive(
        self,
        incoming: IncomingFile,
        relative: str,
        *,
        digest: str,
        replace: bool,
        confirm: Callable[[], None] = lambda: None,
    ) -> ArchiveOutcome:
        """Give a whole incoming file its place in the archive; the incoming name is gone afterwards.

        A hard link instead of a rename: it fails where the name exists, so that two senders of one
        instance cannot overwrite each other unseen. confirm is called once the file has its place; when it
        raises, or anything else fails, the archive is as it was before. Raises DuplicateInstance when the
        name exists with other bytes and replace is False; the incoming file is left to the caller then.
        Raises OSError.
        """
        self._sync_file(incoming.fileno())
        while (outcome := self._archive_new(incoming, relative, confirm)) is None:
            # None again: another file has the name by now, or none, for who had it could not confirm it.
            outcome = self._archive_duplicate(
                incoming, relative, digest=digest, replace=replace, confirm=confirm
            )
            if outcome is not None:
                break
        incoming.discard()
        return outcome

    def _archive_new(
        self, incoming: IncomingFile, relative: str, confirm: Callable[[], None]
    ) -> ArchiveOutcome | None:
        """None when the name exists.

        The lock on the folder is shared by all who bring something new, and keeps those out who have the
        same name until it is confirmed or taken back: they would answer for a file that goes away again.
        """
        target = f"{self._root_name}/{relative}"
        directory = self._open_locked(target.rpartition("/")[0], fcntl.LOCK_SH)
        try:
            try:
                os.link(incoming.name, target)
            except FileExistsError:
                return None
            try:
                self._sync_descriptor(directory)
                confirm()
            except BaseException:
                os.unlink(target)  # noqa: PTH108 - it is no Path
                raise
        finally:
            os.close(directory)
        return ArchiveOutcome.ARCHIVED

    def _archive_duplicate(
        self,
        incoming: IncomingFile,
        relative: str,
        *,
        digest: str,
        replace: bool,
        confirm: Callable[[], None],
    ) -> ArchiveOutcome | None:
        """None when the name has gone meanwhile, or is another file's."""
        target = self.root / relative
        try:
            archived = target.open("rb")
        except FileNotFoundError:
            return None
        with archived:
            # Before the folder is locked: all who bring something else of the series would wait for it.
            archived_digest = digest_of_file(archived.fileno(), beat=self.beat)
            directory = self._open_locked(str(target.parent), fcntl.LOCK_EX)
            try:
                if not _is_file_of(archived.fileno(), target):
                    return None
                if archived_digest == digest:
                    # Its first sender may have been killed before this, and this answer promises it anew. Its
                    # change time says so: a deletion that began before takes what it has found, and not this.
                    _touch_change_time(target)
                    self._sync_descriptor(directory)
                    confirm()
                    return ArchiveOutcome.ALREADY_THERE
                if not replace:
                    raise DuplicateInstance(relative)
                self._replace(incoming, relative, archived_digest, directory, confirm)
            finally:
                os.close(directory)
        return ArchiveOutcome.REPLACED

    def _replace(
        self,
        incoming: IncomingFile,
        relative: str,
        archived_digest: str,
        directory: int,
        confirm: Callable[[], None],
    ) -> None:
        """Keep the archived file among the versions, and serve the incoming one in its place."""
        target = self.root / relative
        version = self.root / version_path(relative, archived_digest)
        with suppress(FileExistsError):  # when these bytes were here before, they are kept already
            self._link(target, version)
        incoming.path.replace(target)
        try:
            self._sync_descriptor(directory)
            confirm()
        except BaseException:
            self._put_back(version, target)
            raise
        self.remove_renditions(relative)

    def _put_back(self, version: Path, target: Path) -> None:
        """Serve the earlier bytes again. They stay among the versions too: one may have been there before."""
        again = self.incoming / f"{os.getpid()}-{secrets.token_hex(8)}.part"
        os.link(version, again)
        again.replace(target)

    def remove_renditions(self, relative: str, *, but: str = "") -> None:
        """Those of an archived file, all but one. What cannot be removed is told by its stamp to be stale."""
        renditions = [path for path in rendition_paths(relative) if path != but]
        if (self.root / renditions[0]).parent.is_dir():
            for path in renditions:
                with suppress(OSError):
                    (self.root / path).unlink()

    def series_extent(self, tenant: str, study: str, series: str) -> SeriesExtent:
        files = self.instance_files(tenant, study, series)
        return SeriesExtent(len(files), sum(file.size_bytes for file in files))

    def instance_files(self, tenant: str, study: str, series: str) -> list[InstanceFile]:
        """The archived files of a series, ordered by SOP Instance UID; none when there is no such series."""
        relative = series_directory(tenant, study, series)
        try:
            entries = os.scandir(self.root / relative)
        except FileNotFoundError:
            return []
        files = []
        with entries:
            for entry in entries:
                # One that is deleted in this moment is not there.
                with suppress(FileNotFoundError):
                    if is_instance_name(entry.name):
                        files.append(instance_file(relative, entry))
        return sorted(files, key=lambda file: file.sop_instance_uid)

    def read_document(self, relative: str) -> bytes:
        """Raises FileNotFoundError."""
        return (self.root / relative).read_bytes()

    def write_document(self, relative: str, data: bytes) -> None:
        """Put a document in its place: readers see the old one or the new one, whole."""
        incoming = self.create_incoming()
        try:
            incoming.write([data])
            self.put(incoming, relative)
        finally:
            incoming.discard()

    def put(self, incoming: IncomingFile, relative: str) -> None:
        """Give a whole incoming file its place, in one step, over what has the name."""
        put(incoming, self.root / relative, is_power_safe=self._is_power_safe)

    @contextmanager
    def locked_directory(self, relative: str) -> Iterator[None]:
        """Hold the one lock on a directory of the store, made if need be, against every other process."""
        descriptor = self._open_locked(str(self.root / relative), fcntl.LOCK_EX)
        try:
            yield
        finally:
            os.close(descriptor)

    def _open_locked(self, directory: str, how: int) -> int:
        """open_locked on a directory that is made if need be."""
        try:
            return open_locked(directory, how)
        except FileNotFoundError:
            self._make_directories(Path(directory))
            return open_locked(directory, how)

    def _link(self, source: Path, target: Path) -> None:
        try:
            os.link(source, target)
        except FileNotFoundError:
            self._make_directories(target.parent)
            os.link(source, target)
        self._sync_directory(target.parent)

    def _make_directories(self, directory: Path) -> None:
        make_directories(directory, is_power_safe=self._is_power_safe)

    def _sync_file(self, descriptor: int) -> None:
        if self._is_power_safe:
            os.fdatasync(descriptor)

    def _sync_directory(self, directory: Path) -> None:
        if self._is_power_safe:
            sync_directory(directory)

    def _sync_descriptor(self, directory: int) -> None:
        if self._is_power_safe:
            os.fsync(directory)


def _touch_change_time(path: Path) -> None:
    """All else about the file stays as it is."""
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def _is_file_of(descriptor: int, path: Path) -> bool:
    """Whether an open file still has this name."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def open_store(environment: Environment, *, beat: Callable[[], None] = lambda: None) -> FilesystemStore:
    """While something takes long, beat is called."""
    return FilesystemStore(environment.store_root, durability=environment.intake.durability, beat=beat)
