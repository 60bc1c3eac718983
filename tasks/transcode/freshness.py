"""Whether a rendition is of the archived file as it is now: never serve one that is not."""

import os
from pathlib import Path

from dicomhub.storage.digest import digest_of_file
from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.storage.layout import rendition_path
from tasks.transcode.candidate import FileState
from tasks.transcode.orders import SourceStamp
from tasks.transcode.stamp import read_stamp


def file_state(path: Path) -> FileState:
    """Raises FileNotFoundError."""
    status = path.stat()
    return FileState(size_bytes=status.st_size, mtime_ns=status.st_mtime_ns)


def stamp_of(path: Path) -> SourceStamp:
    """The stamp of an archived file as it is now. Raises FileNotFoundError."""
    with path.open("rb") as archived:
        status = os.fstat(archived.fileno())
        digest = digest_of_file(archived.fileno())
    return SourceStamp(digest=digest, size_bytes=status.st_size, mtime_ns=status.st_mtime_ns)


def is_of(stamp: SourceStamp, path: Path) -> bool:
    """Whether the archived file is what was stamped. Raises FileNotFoundError."""
    return FileState(size_bytes=stamp.size_bytes, mtime_ns=stamp.mtime_ns) == file_state(path)


def fresh_rendition(
    store: FilesystemStore,
    archived_path: str,
    transfer_syntax_uid: str,
    *,
    near: int = 0,
    ratio: float = 0.0,
) -> Path | None:
    """The file of the rendition in this transfer syntax, when there is one of the archived file as it is.

    With loss: one with this bound or ratio.
    """
    path = store.absolute(rendition_path(archived_path, transfer_syntax_uid))
    try:
        stamp = read_stamp(path)
        if stamp is None or (stamp.near, stamp.ratio) != (near, ratio):
            return None
        return path if is_of(stamp.source, store.absolute(archived_path)) else None
    except FileNotFoundError:
        return None
