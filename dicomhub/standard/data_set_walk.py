"""A walk through a data set, nested sequences and all, straight from the bytes. PS3.5 7.5.

The walk yields one event after another and builds nothing. What it needs to know of an element is its VR:
where the bytes do not say, it looks in the dictionary.
"""

from collections.abc import Generator, Iterator
from enum import Enum, auto
from typing import Final

from dicomhub.standard.dictionary import vr_of
from dicomhub.standard.element import (
    ITEM,
    ITEM_DELIMITATION,
    SEQUENCE_DELIMITATION,
    SHORT_VRS,
    UNDEFINED_LENGTH,
    VR_NAMES,
    DataSetMalformed,
    DataSetTruncated,
    Encoding,
    read_header,
)
from dicomhub.standard.item import MAX_DEPTH, end_of_undefined, inside, inside_item, read_item_header


class Kind(Enum):
    ELEMENT = auto()  # its value lies from start to end
    FRAGMENTS = auto()  # encapsulated: items with fragments lie from start to end
    SEQUENCE = auto()
    SEQUENCE_END = auto()
    ITEM = auto()
    ITEM_END = auto()


Event = tuple[Kind, int, str, int, int, Encoding]
"""Kind, tag, VR (one of dictionary.AMBIGUOUS, perhaps), start, end, and the encoding that the element is in.

Tag and VR of ITEM, ITEM_END and SEQUENCE_END say nothing.
"""

_END_OF: Final = {Kind.SEQUENCE: Kind.SEQUENCE_END, Kind.ITEM: Kind.ITEM_END}
_ENDS: Final = frozenset(_END_OF.values())
# A member looked up in its enumeration costs as much as reading a header.
_ELEMENT: Final = Kind.ELEMENT

_Steps = Generator[Event, None, int]  # yields events, returns the offset behind what it has walked through

_SHORT_VR_NAMES: Final = {vr: VR_NAMES[vr] for vr in SHORT_VRS}
_DELIMITERS: Final = frozenset((ITEM, ITEM_DELIMITATION, SEQUENCE_DELIMITATION))


def walk(data: memoryview, encoding: Encoding, *, must_be_whole: bool = True) -> Iterator[Event]:
    """Walk through a data set. Raises DataSetMalformed, and DataSetTruncated of it, on the way.

    Without must_be_whole the walk ends, as if the data set did, with the last element that is intact. A value
    that is longer than the item around it ends where that item ends.
    """
    events = _walk(data, encoding)
    return events if must_be_whole else _up_to_the_fault(events)


def _up_to_the_fault(events: Iterator[Event]) -> Iterator[Event]:
    """What comes before a fault, and then the ends of the sequences and items that it was found in."""
    around: list[Event] = []
    try:
        for event in events:
            kind = event[0]
            if kind in _END_OF:
                around.append(event)
            elif kind in _ENDS:
                around.pop()
            yield event
    except DataSetMalformed:
        for kind, tag, vr, start, end, encoding in reversed(around):
            yield _END_OF[kind], tag, vr, start, end, encoding


def _walk(data: memoryview, encoding: Encoding) -> Iterator[Event]:
    offset = yield from _elements(data, 0, len(data), encoding, depth=0, is_delimited=False)
    # Writers exist that fill up the last block of a file.
    if any(data[offset : offset + 8]):
        raise DataSetTruncated(offset)


def _elements(  # noqa: C901 - one loop, in place, for every element of every header
    data: memoryview, offset: int, limit: int, encoding: Encoding, *, depth: int, is_delimited: bool
) -> _Steps:
    """The elements of a data set or an item, up to the limit or an Item Delimitation Item."""
    creators: dict[int, tuple[int, int]] = {}
    # Nearly every header is that of a short VR: these are read in place, all others by read_header.
    names = {} if encoding.is_implicit_vr else _SHORT_VR_NAMES
    unpack = encoding.tag_vr_and_length.unpack_from
    while offset + 8 <= limit:
        group, element, raw_vr, length = unpack(data, offset)
        vr = names.get(raw_vr)
        if vr is not None:
            tag = group << 16 | element
            start = offset + 8
        else:
            tag, raw_vr, start, length = read_header(data, offset, encoding)
            if tag == ITEM_DELIMITATION and is_delimited:
                return start
            if tag in _DELIMITERS:
                raise DataSetMalformed(f"an item's delimiter outside of a sequence at byte {offset}")
            vr = vr_of(data, tag, raw_vr, start, length, creators)
            if vr == "SQ":
                offset = yield from _sequence(data, tag, start, length, limit, encoding, depth)
                continue
        if length == UNDEFINED_LENGTH:
            end = end_of_undefined(data, start, encoding)
            yield Kind.FRAGMENTS, tag, vr, start, end, encoding
            offset = end + 8
            continue
        offset = start + length
        if offset > limit:
            if depth == 0:
                raise DataSetTruncated(start)
            offset = limit
        yield _ELEMENT, tag, vr, start, offset, encoding
        if group & 1 and 0x10 <= element <= 0xFF:
            creators[tag] = (start, offset)
    if is_delimited:
        raise DataSetTruncated(offset)
    return offset if depth == 0 else limit


def _sequence(
    data: memoryview, tag: int, start: int, length: int, limit: int, encoding: Encoding, depth: int
) -> _Steps:
    if depth >= MAX_DEPTH:
        raise DataSetMalformed(f"sequences are nested more than {MAX_DEPTH} deep at byte {start}")
    is_delimited = length == UNDEFINED_LENGTH
    end = limit if is_delimited else start + length
    if end > limit:
        if depth == 0:
            raise DataSetTruncated(start)
        end = limit
    yield Kind.SEQUENCE, tag, "SQ", start, end, encoding
    offset = yield from _items(
        data, start, end, inside(data, start, encoding), depth, is_delimited=is_delimited
    )
    yield Kind.SEQUENCE_END, tag, "SQ", start, end, encoding
    return offset


def _items(
    data: memoryview, offset: int, end: int, encoding: Encoding, depth: int, *, is_delimited: bool
) -> _Steps:
    while offset + 8 <= end:
        tag, length = read_item_header(data, offset, encoding)
        offset += 8
        if tag == SEQUENCE_DELIMITATION:
            return offset if is_delimited else end
        item = inside_item(data, offset, encoding)
        yield Kind.ITEM, tag, "", offset, end, item
        if length == UNDEFINED_LENGTH:
            offset = yield from _elements(data, offset, end, item, depth=depth + 1, is_delimited=True)
        else:
            item_end = min(offset + length, end)
            if item_end < offset + length and end == len(data):
                raise DataSetTruncated(offset)
            offset = yield from _elements(data, offset, item_end, item, depth=depth + 1, is_delimited=False)
        yield Kind.ITEM_END, tag, "", offset, end, item
    if is_delimited:
        raise DataSetTruncated(offset)
    return end
