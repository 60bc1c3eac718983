"""Where an import reads from: files, folders, and ZIP files within bounds."""

import os
import stat
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from dicomhub.standard.part10 import PREAMBLE_BYTES, PREFIX


@dataclass(frozen=True, slots=True, kw_only=True)
class ZipBounds:
    """What a ZIP file may hold: members, bytes when unpacked, and how much larger that is than the file."""

    max_members: int = 100_000
    max_bytes: int = 64 * 1024**3
    max_ratio: int = 200


class SourceRefused(Exception):
    """A path, or a member of a ZIP file, that cannot be read from."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


class Source(Protocol):
    """Something that may hold one instance."""

    @property
    def name(self) -> str: ...
    @property
    def size_bytes(self) -> int: ...
    def open(self) -> AbstractContextManager[IO[bytes]]: ...


@dataclass(frozen=True, slots=True)
class FileSource:
    path: Path
    size_bytes: int

    @property
    def name(self) -> str:
        return str(self.path)

    def open(self) -> IO[bytes]:
        return self.path.open("rb")


@dataclass(frozen=True, slots=True)
class ZipMemberSource:
    archive: zipfile.ZipFile
    archive_name: str
    member: zipfile.ZipInfo

    @property
    def name(self) -> str:
        return f"{self.archive_name}!{self.member.filename}"

    @property
    def size_bytes(self) -> int:
        return self.member.file_size

    def open(self) -> IO[bytes]:
        return self.archive.open(self.member)


def sources(path: Path, *, bounds: ZipBounds) -> Iterator[Source | SourceRefused]:
    """What a path leads to, folders and ZIP files opened. What cannot be read comes out as SourceRefused."""
    try:
        status = path.stat()
    except OSError as error:
        yield SourceRefused(str(path), os.strerror(error.errno or 0))
        return
    if stat.S_ISDIR(status.st_mode):
        yield from _folder(path, bounds)
    elif not stat.S_ISREG(status.st_mode):
        yield SourceRefused(str(path), "is neither a file nor a folder")
    elif not _is_part_10(path) and zipfile.is_zipfile(path):
        yield from _zip(path, bounds)
    else:
        yield FileSource(path, status.st_size)


def _is_part_10(path: Path) -> bool:
    """Whether it begins like one: with a document in it an instance may end like a ZIP file."""
    try:
        with path.open("rb") as file:
            return file.read(PREAMBLE_BYTES + len(PREFIX))[PREAMBLE_BYTES:] == PREFIX
    except OSError:
        return False  # whoever reads it says so


def _folder(path: Path, bounds: ZipBounds) -> Iterator[Source | SourceRefused]:
    refused: list[OSError] = []
    for folder, folders, files in os.walk(path, onerror=refused.append):
        folders.sort()
        for name in sorted(files):
            yield from sources(Path(folder, name), bounds=bounds)
    for error in refused:
        yield SourceRefused(str(error.filename), os.strerror(error.errno or 0))


def _zip(path: Path, bounds: ZipBounds) -> Iterator[Source | SourceRefused]:
    """The members, if they keep within the bounds.

    The sizes are those that the ZIP file states; reading never yields more than a member states.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            reason = _out_of_bounds(members, path.stat().st_size, bounds)
            if reason is not None:
                yield SourceRefused(str(path), reason)
                return
            for member in members:
                if member.flag_bits & 0x1:
                    yield SourceRefused(f"{path}!{member.filename}", "is encrypted")
                else:
                    yield ZipMemberSource(archive, str(path), member)
    except (zipfile.BadZipFile, NotImplementedError, UnicodeError, OSError) as error:
        yield SourceRefused(str(path), f"ZIP file cannot be read: {error}")


def _out_of_bounds(members: list[zipfile.ZipInfo], size_bytes: int, bounds: ZipBounds) -> str | None:
    unpacked_bytes = sum(member.file_size for member in members)
    if len(members) > bounds.max_members:
        return f"ZIP file has {len(members)} members, more than {bounds.max_members}"
    if unpacked_bytes > bounds.max_bytes:
        return f"ZIP file unpacks to {unpacked_bytes} bytes, more than {bounds.max_bytes}"
    if unpacked_bytes > size_bytes * bounds.max_ratio:
        return f"ZIP file unpacks to more than {bounds.max_ratio} times its size"
    return None
