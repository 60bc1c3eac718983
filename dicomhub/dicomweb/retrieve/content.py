"""The bytes of archived files, a block at a time, whatever their size. No file is ever held in memory."""

import mmap
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from io import FileIO
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from dicomhub.standard.explicit_little_endian import reencode
from dicomhub.standard.part10 import HEADER_MAX_BYTES, FileMeta, file_header, read_file_meta
from dicomhub.standard.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN, transfer_syntax
from dicomhub.storage.instance_file import file_version

BLOCK_BYTES = 256 * 1024  # small enough that a reader takes the one while the next is read
_FORGET_BYTES = 4 * 1024 * 1024


class ArchivedFileChanged(Exception):
    """A file is not there any more, or not the same, though it was when the answer was planned."""

    def __init__(self) -> None:
        super().__init__("the instance has been replaced or deleted just now")


def read_head(path: Path) -> FileMeta:
    """File Meta Information of an archived file. Raises Part10Malformed, FileNotFoundError."""
    with path.open("rb", buffering=0) as file:
        return read_file_meta(file.read(HEADER_MAX_BYTES))


def read_ahead(path: Path) -> None:
    """Have the kernel begin to read a file that is to be sent next, while something else is."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_WILLNEED)
        finally:
            os.close(descriptor)


def as_stored(path: Path, *, size_bytes: int | None) -> Iterator[bytes]:
    """The file, byte for byte; once it is open it stays as it is, whatever takes its name.

    Raises ArchivedFileChanged, also when it has not size_bytes (None: any will do).
    """
    file = _opened(path)
    if size_bytes not in {None, os.fstat(file.fileno()).st_size}:
        file.close()
        raise ArchivedFileChanged
    yield from whole_file(file)


def section(path: Path, *, version: str, offset: int, length_bytes: int) -> Iterator[bytes]:
    """A part of a file. Raises ArchivedFileChanged when the file is not of this version.

    version as in storage.instance_file.file_version().
    """
    with _opened(path) as file:
        if file_version(os.fstat(file.fileno())) != version:
            raise ArchivedFileChanged
        file.seek(offset)
        while length_bytes > 0:
            block = file.read(min(BLOCK_BYTES, length_bytes))
            if not block:
                raise ArchivedFileChanged
            length_bytes -= len(block)
            yield block


def _opened(path: Path) -> FileIO:
    try:
        return path.open("rb", buffering=0)
    except FileNotFoundError:
        raise ArchivedFileChanged from None


def begun(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same chunks, with what keeps them from being made raised now, before anything is sent."""
    return chain([next(chunks, b"")], chunks)


def whole_file(file: BinaryIO) -> Iterator[bytes]:
    """What is in an open file, which is closed then."""
    with file:
        while block := file.read(BLOCK_BYTES):
            yield block


def as_explicit_little_endian(path: Path) -> Iterator[bytes]:
    """The file with its data set in Explicit VR Little Endian, behind a header that says so.

    Raises what explicit_little_endian.reencode raises.
    """
    mapping = map_file(path)
    view = memoryview(mapping)
    meta = read_file_meta(view[:HEADER_MAX_BYTES])
    # A data set that cannot be encoded anew fails here, before anything is sent.
    data_set = reencode(view[meta.data_set_offset :], transfer_syntax(meta.transfer_syntax_uid))
    yield file_header(
        sop_class_uid=meta.media_storage_sop_class_uid,
        sop_instance_uid=meta.media_storage_sop_instance_uid,
        transfer_syntax_uid=EXPLICIT_VR_LITTLE_ENDIAN,
    )
    yield from blocks(data_set, mapping=mapping)


def map_file(path: Path) -> mmap.mmap:
    """Map an archived file. It is unmapped with the last view of it: views outlive those who made them."""
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def pages_of(data: memoryview) -> mmap.mmap | None:
    """The mapped file that a view is of, None where it is of anything else."""
    return data.obj if isinstance(data.obj, mmap.mmap) else None


def blocks(pieces: Iterable[bytes | memoryview], *, mapping: mmap.mmap | None) -> Iterator[bytes]:
    """Pieces of any size as blocks of about BLOCK_BYTES, the mapped pages behind them let go on the way."""
    gathered = bytearray()
    since_forgotten_bytes = 0
    for piece in pieces:
        view = memoryview(piece)
        for start in range(0, len(view), BLOCK_BYTES):
            gathered += view[start : start + BLOCK_BYTES]
            if len(gathered) < BLOCK_BYTES:
                continue
            yield bytes(gathered)
            since_forgotten_bytes += len(gathered)
            gathered.clear()
            if mapping is not None and since_forgotten_bytes >= _FORGET_BYTES:
                # Pages of a file that were read stay in this process's share of the memory until told so.
                mapping.madvise(mmap.MADV_DONTNEED)
                since_forgotten_bytes = 0
    yield bytes(gathered)
