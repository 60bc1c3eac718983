"""The journal seen from outside its writers: what is to be published, and by whom it was left behind."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from dicomhub.intake.journal import CUT, NEW, OPEN, PUBLISHED, SegmentHeader
from dicomhub.log import logger
from dicomhub.storage.lock import try_lock
from tasks.messages import (
    SCHEMA_VERSION,
    InstanceBatch,
    MessageMalformed,
    StoredInstance,
    decode_instance,
)

DAMAGED = ".damaged"
_AT_ONCE = 200  # each claim is an open file
_STILLBORN_SECONDS = 60.0
_FOREIGN_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment that is not being written: its header, its batch, and how many lines cannot be read."""

    path: Path
    header: SegmentHeader
    batch: InstanceBatch
    damaged_lines: int


def cut_segments(directory: Path) -> list[Path]:
    """Segments that wait to be published, oldest first."""
    return sorted(directory.glob(f"*{CUT}"))


def published_segments(directory: Path) -> list[Path]:
    """Segments that the broker has taken and the database has not confirmed, oldest first."""
    return sorted(directory.glob(f"*{PUBLISHED}"))


@contextmanager
def orphaned_segments(directory: Path) -> Iterator[list[Path]]:
    """Claim the open segments whose writer is gone, oldest first, for as long as the context lasts.

    Those of another host are left to its own dispatcher, which knows what the host has been through; when
    nobody has come for them for a long while they are taken too.
    """
    with ExitStack() as claims:
        yield [
            path
            for path in sorted(directory.glob(f"*{OPEN}"))[:_AT_ONCE]
            if claims.enter_context(claimed(path)) and _is_for_us(path)
        ]


def _is_for_us(path: Path) -> bool:
    try:
        is_of_this_host = read_header(path).host == socket.gethostname()
    except (MessageMalformed, OSError):
        return True
    return is_of_this_host or time.time() - path.stat().st_mtime > _FOREIGN_SECONDS


def cut_orphan(path: Path) -> Path:
    """Cut a segment that its writer left open; it is claimed."""
    return path.rename(path.with_suffix(CUT))


def remove_stillborn(directory: Path) -> None:
    """Remove segments whose writer died before they were open: they hold nothing."""
    for path in directory.glob(f"*{NEW}"):
        with claimed(path) as is_ours, suppress(FileNotFoundError):
            if is_ours and time.time() - path.stat().st_mtime > _STILLBORN_SECONDS:
                path.unlink()


@contextmanager
def claimed(path: Path) -> Iterator[bool]:
    """Hold the lock on a segment. Yields False when another process holds it or the segment is gone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield False
        return
    try:
        # The one who had the lock before may have renamed or removed it meanwhile.
        yield try_lock(descriptor) and path.exists()
    finally:
        os.close(descriptor)


def read_header(path: Path) -> SegmentHeader:
    """Raises OSError, and MessageMalformed also for a segment that another version has written."""
    with path.open("rb") as file:
        return _header(path, file.readline())


def _header(path: Path, line: bytes) -> SegmentHeader:
    try:
        header = msgspec.json.decode(line, type=SegmentHeader)
    except msgspec.DecodeError as error:
        raise MessageMalformed(f"segment {path.name} has no header: {error}") from error
    if header.schema_version != SCHEMA_VERSION:
        raise MessageMalformed(f"segment {path.name} has schema version {header.schema_version}")
    return header


def read_segment(path: Path) -> Segment:
    """Read a segment. A line that is cut short was never answered with a success, and is left out.

    Raises FileNotFoundError, and MessageMalformed when there is no header that this version writes.
    """
    complete, _, torn = path.read_bytes().rpartition(b"\n")
    if torn:
        logger().warning("journal_line_torn", segment=path.name, bytes=len(torn))
    first, *lines = complete.split(b"\n")
    instances, damaged = _instances(path, lines)
    batch = InstanceBatch(batch_id=path.stem, instances=instances)
    return Segment(path, _header(path, first), batch, damaged_lines=damaged)


def _instances(path: Path, lines: list[bytes]) -> tuple[tuple[StoredInstance, ...], int]:
    """The instances, and how many lines are damaged: those must not hold up the others."""
    instances = []
    for number, line in enumerate(lines, start=2):
        try:
            instances.append(decode_instance(line))
        except MessageMalformed as error:
            logger().error("journal_line_damaged", segment=path.name, line=number, error=str(error))
    return tuple(instances), len(lines) - len(instances)


def keep_damaged(path: Path) -> None:
    """Keep a segment as it is for a person to look at, beside the one that goes on."""
    with suppress(FileExistsError):
        os.link(path, path.with_suffix(DAMAGED))
    logger().error("journal_segment_damaged", segment=path.name)


def mark_published(path: Path) -> None:
    """Note that the broker has taken the segment just now. Fine if it was settled meanwhile."""
    target = path.with_suffix(PUBLISHED)
    with suppress(FileNotFoundError):
        path.rename(target)
        os.utime(target)
