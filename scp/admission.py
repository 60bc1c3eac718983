"""The admission snapshot, read anew for an association only when the file has changed."""

from dicomhub.intake.admission import AdmissionSnapshot, read_admission
from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.storage.layout import ADMISSION_SNAPSHOT


class AdmissionCache:
    def __init__(self, store: FilesystemStore) -> None:
        self._store = store
        self._path = store.absolute(ADMISSION_SNAPSHOT)
        self._version: tuple[int, int, int] | None = None
        self._snapshot: AdmissionSnapshot | None = None

    def snapshot(self) -> AdmissionSnapshot:
        """The newest snapshot. Raises msgspec.DecodeError when the file is damaged, OSError."""
        # Looked at before it is read: a file that is replaced in between is then read once more next time.
        version = self._file_version()
        if self._snapshot is None or version != self._version:
            self._snapshot = read_admission(self._store)
            self._version = version
        return self._snapshot

    def _file_version(self) -> tuple[int, int, int] | None:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size
