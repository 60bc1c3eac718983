"""Lookup tables as data sets hold them. PS3.3 C.11.1.1, C.11.2.1.1, C.7.6.3.1.5, C.7.9.2."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dicomhub.standard.data_set_level import Level
from tasks.transcode.codecs.codec import PixelsCorrupt

_LUT_DESCRIPTOR: Final = 0x00283002
_LUT_DATA: Final = 0x00283006
_MAX_ENTRIES: Final = 65536
_DISCRETE, _LINEAR, _INDIRECT = 0, 1, 2


@dataclass(frozen=True, slots=True)
class LookupTable:
    """entries are of `bits` bits each; the first one stands for `first` and everything below it."""

    entries: NDArray[np.uint16]
    first: int
    bits: int

    def of(self, values: NDArray[Any]) -> NDArray[np.uint16]:
        """The entries of these values, which are rounded where they are no integers."""
        indices = np.clip(np.rint(values) - self.first, 0, len(self.entries) - 1)
        return np.asarray(self.entries[indices.astype(np.int64)])


def lookup_table(item: Level, *, is_signed: bool) -> LookupTable:
    """That of an item of Modality LUT Sequence or VOI LUT Sequence. Raises PixelsCorrupt.

    is_signed: whether what is looked up may be negative, where the descriptor's VR does not say.
    """
    count, first, bits = _descriptor(item, _LUT_DESCRIPTOR, is_signed=is_signed)
    return LookupTable(_entries(item, _LUT_DATA, count), first, bits)


def palette(level: Level, descriptor: int, data: int, segmented: int, *, is_signed: bool) -> LookupTable:
    """One colour's, by the tags of its parts; a segmented one is expanded. Raises PixelsCorrupt."""
    count, first, bits = _descriptor(level, descriptor, is_signed=is_signed)
    if segmented not in level:
        return LookupTable(_entries(level, data, count), first, bits)
    order = "<" if level.encoding.is_little_endian else ">"
    value = level.value(segmented)
    words = np.frombuffer(value, "u1" if bits == 8 else f"{order}u2", len(value) // (1 if bits == 8 else 2))
    entries = _Expansion(words.astype(np.int64), bits=bits).entries()
    if len(entries) < count:
        raise PixelsCorrupt(f"a segmented palette has {len(entries)} entries, not {count}")
    return LookupTable(entries[:count], first, bits)


def _descriptor(level: Level, tag: int, *, is_signed: bool) -> tuple[int, int, int]:
    """Number of entries, first value mapped, and bits. PS3.3 C.11.1.1.1."""
    unsigned = level.value(tag)
    if len(unsigned) < 6:
        raise PixelsCorrupt("a lookup table without a descriptor")
    order = level.encoding.byte_order
    count = int.from_bytes(unsigned[:2], order) or _MAX_ENTRIES
    first = level.words(tag, is_signed=is_signed)[1]
    bits = int.from_bytes(unsigned[4:6], order)
    if not 8 <= bits <= 16:
        raise PixelsCorrupt(f"a lookup table of {bits} bits")
    return count, first, bits


def _entries(level: Level, tag: int, count: int) -> NDArray[np.uint16]:
    """Words, or bytes where that is all there is room for, two to a word. PS3.3 C.7.6.3.1.6."""
    value = level.value(tag)
    order = "<" if level.encoding.is_little_endian else ">"
    if len(value) >= 2 * count:
        return np.frombuffer(value, f"{order}u2", count).astype(np.uint16)
    if len(value) < count:
        raise PixelsCorrupt(f"a lookup table of {count} entries has {len(value)} bytes")
    octets = np.frombuffer(value, np.uint8)
    if not level.encoding.is_little_endian and len(octets) % 2 == 0:
        octets = octets.reshape(-1, 2)[:, ::-1].reshape(-1)
    return octets[:count].astype(np.uint16)


class _Expansion:
    """The entries that segments stand for. PS3.3 C.7.9.2.1."""

    def __init__(self, words: NDArray[np.int64], *, bits: int) -> None:
        self._words = words
        self._is_wide = bits > 8
        self._entries = np.empty(_MAX_ENTRIES, np.uint16)
        self._filled = 0

    def entries(self) -> NDArray[np.uint16]:
        offset = 0
        while offset + 1 < len(self._words):
            offset = self._expand(offset, may_be_indirect=True)
        return self._entries[: self._filled]

    def _expand(self, offset: int, *, may_be_indirect: bool) -> int:
        """Add what the segment at offset stands for; where the next one begins."""
        words = self._words
        if offset + 1 >= len(words):
            raise PixelsCorrupt("a segment of a palette refers to none")
        opcode, length = int(words[offset]), int(words[offset + 1])
        start = offset + 2
        if opcode == _DISCRETE:
            end = start + length
            self._add(words[start:end])
        elif opcode == _LINEAR and self._filled and start < len(words):
            end = start + 1
            last = int(self._entries[self._filled - 1])
            self._add(np.rint(np.linspace(last, int(words[start]), length + 1)[1:]))
        elif opcode == _INDIRECT and may_be_indirect:
            end = start + (2 if self._is_wide else 4)
            at = self._target(words[start:end])
            for _ in range(length):
                at = self._expand(at, may_be_indirect=False)
        else:
            raise PixelsCorrupt(f"a segment of kind {opcode} in a palette")
        return end

    def _target(self, words: NDArray[np.int64]) -> int:
        """Where an indirect segment points to; its offset is in bytes."""
        bits = 16 if self._is_wide else 8
        at_byte = sum(int(word) << (bits * place) for place, word in enumerate(words))
        return at_byte // 2 if self._is_wide else at_byte

    def _add(self, entries: NDArray[Any]) -> None:
        filled = self._filled + len(entries)
        if filled > _MAX_ENTRIES:
            raise PixelsCorrupt("a segmented palette of more than 65536 entries")
        self._entries[self._filled : filled] = entries
        self._filled = filled
