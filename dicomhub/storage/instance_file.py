"""An archived file as its folder lists it, and what tells it from the one that had its name before."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from dicomhub.standard.uid import is_uid

SUFFIX: Final = ".dcm"


@dataclass(frozen=True, slots=True)
class InstanceFile:
    """An archived file. path is relative to the store's root; version as in file_version()."""

    sop_instance_uid: str
    path: str
    size_bytes: int
    modified_at: datetime
    version: str


def is_instance_name(name: str) -> bool:
    """Whether a file of this name is ours: what else there is in a series' folder is no instance."""
    return name.endswith(SUFFIX) and is_uid(name.removesuffix(SUFFIX))


def instance_file(directory: str, entry: os.DirEntry[str]) -> InstanceFile:
    status = entry.stat()
    return InstanceFile(
        sop_instance_uid=entry.name.removesuffix(SUFFIX),
        path=f"{directory}/{entry.name}",
        size_bytes=status.st_size,
        modified_at=modified_at(status),
        version=file_version(status),
    )


def modified_at(status: os.stat_result) -> datetime:
    return datetime.fromtimestamp(status.st_mtime, UTC)


def file_version(status: os.stat_result) -> str:
    """What tells a file of the store from all others that had its name, or will have.

    A file is not written to once it has its name, only replaced by another one. So size, time and inode name
    its bytes as a digest does, and cost one stat.
    """
    return f"{status.st_size}-{status.st_mtime_ns}-{status.st_ino}"
