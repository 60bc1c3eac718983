"""The rules of the admission snapshot, read anew for an association only when the file has changed."""

from dicomhub.intake.admission import read_admission
from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.storage.layout import ADMISSION_SNAPSHOT
from scp.permission import AdmissionRules


class AdmissionCache:
    def __init__(self, store: FilesystemStore, *, own_ae_title: str) -> None:
        self._store = store
        self._own_ae_title = own_ae_title
        self._path = store.absolute(ADMISSION_SNAPSHOT)
        self._version: tuple[int, int, int] | None = None
        self._rules: AdmissionRules | None = None

    def rules(self) -> AdmissionRules:
        """The newest snapshot's. Raises msgspec.DecodeError when the file is damaged, OSError."""
        # Looked at before it is read: a file that is replaced in between is then read once more next time.
        version = self._file_version()
        if self._rules is None or version != self._version:
            self._rules = AdmissionRules(read_admission(self._store), own_ae_title=self._own_ae_title)
            self._version = version
        return self._rules

    def _file_version(self) -> tuple[int, int, int] | None:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size
