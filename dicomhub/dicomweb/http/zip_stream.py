"""A ZIP file as it is made, never held. Python's zipfile writes it; sizes stand behind each file's bytes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from zipfile import ZIP_STORED, ZipFile, ZipInfo

_EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)  # of what a ZIP's directory can say
_LATEST = datetime(2107, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Member:
    """name has slashes between folders; size_bytes is None where nobody knows yet."""

    name: str
    modified_at: datetime
    size_bytes: int | None
    chunks: Iterable[bytes]


def encode(members: Iterable[Member]) -> Iterator[bytes]:
    """The file, a chunk at a time. ZIP64 wherever sizes or numbers ask for it.

    Not compressed: images hardly are by deflate, at a fiftieth of the speed.
    """
    written = _Written()
    with ZipFile(written, "w", ZIP_STORED) as archive:  # type: ignore[call-overload] # all that it needs
        for member in members:
            with archive.open(_info(member), "w", force_zip64=member.size_bytes is None) as content:
                for chunk in member.chunks:
                    content.write(chunk)
                    yield from written.taken()
    yield from written.taken()


def _info(member: Member) -> ZipInfo:
    modified_at = min(max(member.modified_at, _EARLIEST), _LATEST)
    info = ZipInfo(member.name, modified_at.timetuple()[:6])
    info.external_attr = 0o644 << 16
    info.file_size = member.size_bytes or 0
    return info


class _Written:
    """A file that cannot be sought, of which only what was not taken yet is kept."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._chunks.append(data)
        return len(data)

    def flush(self) -> None:
        pass

    def taken(self) -> list[bytes]:
        chunks, self._chunks = self._chunks, []
        return chunks
