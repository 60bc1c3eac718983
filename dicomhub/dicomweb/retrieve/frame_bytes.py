"""The bytes of a frame, wherever they are, in blocks: of no frame all of them are in memory."""

import mmap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import BinaryIO, Protocol

from dicomhub.dicomweb.retrieve.content import BLOCK_BYTES, blocks


class FrameBytes(Protocol):
    @property
    def size_bytes(self) -> int: ...

    def chunks(self) -> Iterator[bytes]: ...


@dataclass(frozen=True, slots=True)
class MappedFrame:
    """A frame in pieces that lie in the pages of its file, if there are such."""

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


@dataclass(frozen=True, slots=True)
class JoinedFrames:
    """Frames one behind the other."""

    frames: Sequence[FrameBytes]

    @property
    def size_bytes(self) -> int:
        return sum(frame.size_bytes for frame in self.frames)

    def chunks(self) -> Iterator[bytes]:
        return chain.from_iterable(frame.chunks() for frame in self.frames)


@dataclass(frozen=True, slots=True)
class WrittenFrame:
    """A frame in a file that it shares with others, and that is closed with the last of them."""

    file: BinaryIO
    offset: int
    size_bytes: int

    def chunks(self) -> Iterator[bytes]:
        self.file.seek(self.offset)
        left = self.size_bytes
        while left and (block := self.file.read(min(left, BLOCK_BYTES))):
            left -= len(block)
            yield block


def written_frames(file: BinaryIO, lengths: Sequence[int]) -> list[WrittenFrame]:
    """The frames of a file that has them one behind the other."""
    ends = accumulate(lengths)
    return [WrittenFrame(file, end - length, length) for end, length in zip(ends, lengths, strict=True)]
