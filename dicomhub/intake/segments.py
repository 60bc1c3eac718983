"""The journal seen from outside its writers: what is to be published, and by whom it was left behind."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from dicomhub.intake.journal import CUT, OPEN, PUBLISHED, SegmentHeader
from dicomhub.log import logger
from tasks.messages import InstanceBatch, MessageMalformed, StoredInstance, decode_instance


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment that is not being written: its header, and its batch."""

    path: Path
    header: SegmentHeader
    batch: InstanceBatch


def cut_segments(directory: Path) -> list[Path]:
    """Segments that wait to be published, oldest first."""
    return sorted(directory.glob(f"*{CUT}"))


def published_segments(directory: Path) -> list[Path]:
    """Segments that the broker has taken and the database has not confirmed, oldest first."""
    return sorted(directory.glob(f"*{PUBLISHED}"))


def orphaned_segments(directory: Path) -> list[Path]:
    """Open segments whose writer is gone, oldest first."""
    orphans = []
    for path in sorted(directory.glob(f"*{OPEN}")):
        with claimed(path) as is_ours:
            if is_ours:
                orphans.append(path)
    return orphans


def cut_orphan(path: Path) -> Path:
    """Cut a segment that its writer left open."""
    return path.rename(path.with_suffix(CUT))


@contextmanager
def claimed(path: Path) -> Iterator[bool]:
    """Hold the lock on a segment. Yields False when another process holds it or the segment is gone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield False
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            # The one who had the lock before may have renamed or removed it meanwhile.
            yield path.exists()
    finally:
        os.close(descriptor)


def read_segment(path: Path) -> Segment:
    """Read a segment. A line that is cut short was never answered with a success, and is left out.

    Raises FileNotFoundError, and MessageMalformed when there is no header.
    """
    complete, _, torn = path.read_bytes().rpartition(b"\n")
    if torn:
        logger().warning("journal_line_torn", segment=path.name, bytes=len(torn))
    lines = complete.split(b"\n")
    try:
        header = msgspec.json.decode(lines[0], type=SegmentHeader)
    except msgspec.DecodeError as error:
        raise MessageMalformed(f"segment {path.name} has no header: {error}") from error
    instances = tuple(_instances(path, lines[1:]))
    return Segment(path, header, InstanceBatch(batch_id=path.stem, instances=instances))


def _instances(path: Path, lines: list[bytes]) -> Iterator[StoredInstance]:
    for number, line in enumerate(lines, start=2):
        try:
            yield decode_instance(line)
        except MessageMalformed as error:
            # One damaged line must not hold up the others; reconcile finds its file.
            logger().error("journal_line_damaged", segment=path.name, line=number, error=str(error))


def mark_published(path: Path) -> None:
    """Note that the broker has taken the segment just now. Fine if it was settled meanwhile."""
    target = path.with_suffix(PUBLISHED)
    with suppress(FileNotFoundError):
        path.rename(target)
        os.utime(target)
