"""The bytes of a frame, or of any value, where they lie in a file: none of them is held in memory."""

import mmap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from dicomhub.dicomweb.retrieve.content import blocks, map_file


@dataclass(frozen=True, slots=True)
class FrameBytes:
    """One behind the other, pieces that lie in the pages of a file, where there is one."""

    pieces: Sequence[bytes | memoryview]
    pages: mmap.mmap | None

    @property
    def size_bytes(self) -> int:
        return sum(map(len, self.pieces))

    def chunks(self) -> Iterator[bytes]:
        return blocks(self.pieces, mapping=self.pages)

    def section(self, offset: int, length_bytes: int) -> Iterator[bytes]:
        """So many bytes of it, from an offset on."""
        return blocks(self._views(offset, offset + length_bytes), mapping=self.pages)

    def _views(self, start: int, end: int) -> Iterator[memoryview]:
        begin = 0
        for piece in self.pieces:
            if begin < end and start < begin + len(piece):
                yield memoryview(piece)[max(start - begin, 0) : end - begin]
            begin += len(piece)


def joined(frames: Iterable[FrameBytes]) -> FrameBytes:
    """Frames of one file as one value."""
    whole = list(frames)
    return FrameBytes([piece for frame in whole for piece in frame.pieces], whole[0].pages)


def frames_in(path: Path, lengths: Sequence[int]) -> list[FrameBytes]:
    """The frames of a file that has them one behind the other. It may lose its name meanwhile."""
    pages = map_file(path)
    view = memoryview(pages)
    ends = accumulate(lengths)
    return [FrameBytes((view[end - size : end],), pages) for end, size in zip(ends, lengths, strict=True)]
