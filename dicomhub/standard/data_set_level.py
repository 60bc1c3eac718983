"""One level of a data set, its top or an item, for those who look up a few attributes. PS3.5 7.1, 7.5."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Final

from dicomhub.standard.element import (
    ITEM_DELIMITATION,
    SEQUENCE_DELIMITATION,
    UNDEFINED_LENGTH,
    DataSetTruncated,
    Encoding,
    read_header,
)
from dicomhub.standard.item import checked_end, end_of_undefined, inside, inside_item, read_item_header

# Pixels, and what stands behind them, are nobody's business here.
_LAST_GROUP: Final = 0x7FDF


@dataclass(frozen=True, slots=True)
class Element:
    """Where a value lies. vr is "" in Implicit VR; length may be element.UNDEFINED_LENGTH."""

    vr: str
    start: int
    length: int


@dataclass(slots=True)
class Outline:
    """Where a level's attributes lie, and the items of the sequences that were asked for, in the data set."""

    elements: dict[int, Element]
    items: dict[int, list[tuple[int, int, Encoding]]]
    end: int


class Level:
    """Attributes by tag. What is absent is empty: no value, no text, no numbers, no item."""

    __slots__ = ("_data", "_elements", "_items", "encoding", "outline")

    def __init__(
        self,
        data: memoryview,
        encoding: Encoding,
        *,
        start: int = 0,
        end: int | None = None,
        outline: Outline | None = None,
    ) -> None:
        """Read the headers from start to end, or to the delimitation of the item where end is None.

        At the top level that is all before the pixel data. Nothing is read for an outline of the same data
        set, which is added to. Raises DataSetMalformed.
        """
        self._data = data
        self.encoding = encoding
        self.outline = outline or Outline({}, {}, start)
        self._elements = self.outline.elements
        self._items = self.outline.items
        if outline is None:
            self.outline.end = self._read(start, end)

    def __contains__(self, tag: int) -> bool:
        return tag in self._elements

    def vr(self, tag: int) -> str:
        element = self._elements.get(tag)
        return element.vr if element else ""

    def value(self, tag: int) -> memoryview:
        element = self._elements.get(tag)
        if element is None or element.length == UNDEFINED_LENGTH:
            return memoryview(b"")
        return self._data[element.start : element.start + element.length]

    def texts(self, tag: int) -> list[str]:
        """Values of a VR whose characters are those of the default repertoire, without padding."""
        text = bytes(self.value(tag)).decode("latin-1").rstrip("\0 ")
        return [part.strip("\0 ") for part in text.split("\\")] if text else []

    def text(self, tag: int) -> str:
        return next(iter(self.texts(tag)), "")

    def decimals(self, tag: int) -> list[float]:
        """Values of a DS or IS; none where one of them is no number."""
        try:
            numbers = [float(text) for text in self.texts(tag)]
        except ValueError:
            return []
        return numbers if all(map(isfinite, numbers)) else []

    def decimal(self, tag: int) -> float | None:
        return next(iter(self.decimals(tag)), None)

    def words(self, tag: int, *, is_signed: bool = False) -> list[int]:
        """Values of a US or SS; is_signed counts where the header does not say which."""
        signed = {"SS": True, "US": False}.get(self.vr(tag), is_signed)
        value = self.value(tag)
        pairs = (bytes(value[at : at + 2]) for at in range(0, len(value) - 1, 2))
        return [int.from_bytes(pair, self.encoding.byte_order, signed=signed) for pair in pairs]

    def item(self, tag: int, index: int = 0) -> "Level | None":
        """One item of a sequence, from 0. Raises DataSetMalformed."""
        if tag not in self._items:
            self._items[tag] = list(self._find_items(tag))
        items = self._items[tag]
        if index >= len(items):
            return None
        start, length, encoding = items[index]
        end = None if length == UNDEFINED_LENGTH else start + length
        return Level(self._data, encoding, start=start, end=end)

    def _find_items(self, tag: int) -> Iterator[tuple[int, int, Encoding]]:
        element = self._elements.get(tag)
        if element is None:
            return
        sequence = inside(self._data, element.start, self.encoding)
        is_delimited = element.length == UNDEFINED_LENGTH
        end = len(self._data) if is_delimited else element.start + element.length
        offset = element.start
        while offset + 8 <= end:
            item_tag, length = read_item_header(self._data, offset, sequence)
            if item_tag == SEQUENCE_DELIMITATION:
                return
            offset += 8
            encoding = inside_item(self._data, offset, sequence)
            yield offset, length, encoding
            if length == UNDEFINED_LENGTH:
                offset = Level(self._data, encoding, start=offset).outline.end
            else:
                offset = checked_end(self._data, offset, length)

    def _read(self, offset: int, end: int | None) -> int:
        data, encoding = self._data, self.encoding
        limit = len(data) if end is None else min(end, len(data))
        is_top = offset == 0
        while offset + 8 <= limit:
            tag, vr, start, length = read_header(data, offset, encoding)
            if tag == ITEM_DELIMITATION or (is_top and tag >> 16 > _LAST_GROUP):
                return start
            self._elements[tag] = Element(vr.decode("ascii"), start, length)
            if length == UNDEFINED_LENGTH:
                offset = end_of_undefined(data, start, encoding) + 8
            else:
                offset = checked_end(data, start, length)
        if end is None and not is_top:
            raise DataSetTruncated(offset)
        return offset
