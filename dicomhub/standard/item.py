"""Items, which make up sequences and encapsulated pixels, and where values of undefined length end.

PS3.5 7.5 and A.4.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import repeat
from struct import error as StructError  # noqa: N812 - it is a class
from typing import Final

from dicomhub.standard.element import (
    EXPLICIT_LITTLE_ENDIAN,
    ITEM,
    ITEM_DELIMITATION,
    SEQUENCE_DELIMITATION,
    UNDEFINED_LENGTH,
    DataSetMalformed,
    DataSetTruncated,
    Encoding,
    read_header,
    sniffed,
)

# Deeper than any real data set; what is deeper is made to exhaust a parser.
MAX_DEPTH: Final = 64
_ANY_NUMBER: Final = repeat(None)

_Enter = Callable[[memoryview, int, Encoding], Encoding]


def inside(data: memoryview, offset: int, outer: Encoding) -> Encoding:
    """The encoding of the items of a sequence whose value is at offset.

    An UN of undefined length is little endian even in a big endian data set. PS3.5 6.2.2, note 2.
    """
    if not outer.is_little_endian and bytes(data[offset : offset + 2]) == b"\xfe\xff":
        return EXPLICIT_LITTLE_ENDIAN
    return outer


def inside_item(data: memoryview, offset: int, sequence: Encoding) -> Encoding:
    """The encoding of an item's elements, the first of which is at offset.

    Implicit VR stays implicit all the way down; Explicit VR may hold implicit items, within UN by the
    standard (PS3.5 6.2.2) and elsewhere by careless writers.
    """
    return sequence if sequence.is_implicit_vr else sniffed(data, offset, sequence)


def read_item_header(data: memoryview, offset: int, encoding: Encoding) -> tuple[int, int]:
    """Tag and length of an item or of a delimitation of one. Raises DataSetMalformed for any other tag."""
    try:
        group, element, length = encoding.tag_and_length.unpack_from(data, offset)
    except StructError:
        raise DataSetTruncated(offset) from None
    tag = group << 16 | element
    if tag not in (ITEM, SEQUENCE_DELIMITATION):
        raise DataSetMalformed(f"({group:04X},{element:04X}) at byte {offset}, where an item must begin")
    return tag, length


def end_of_undefined(
    data: memoryview, offset: int, encoding: Encoding, *, steps: Iterable[None] = _ANY_NUMBER
) -> int:
    """Where the Sequence Delimitation Item of the value at offset begins; 8 bytes on, the next element does.

    Serves sequences and encapsulated fragments alike, and does not look into anything of defined length. Each
    item, element and delimitation takes one of steps. Raises DataSetMalformed, also when there are none left,
    and DataSetTruncated. PS3.5 7.5 and A.4.
    """
    # Every other level is an item, from the second on.
    levels = [inside(data, offset, encoding)]
    for _ in steps:
        level = levels[-1]
        if len(levels) % 2:
            tag, length = read_item_header(data, offset, level)
            start = offset + 8
            if tag == SEQUENCE_DELIMITATION:
                levels.pop()
                if not levels:
                    return offset
                offset = start
                continue
            enter: _Enter = inside_item
        else:
            tag, _, start, length = read_header(data, offset, level)
            if tag == ITEM_DELIMITATION:
                levels.pop()
                offset = start
                continue
            enter = inside
        if length == UNDEFINED_LENGTH:
            if len(levels) > 2 * MAX_DEPTH:
                raise DataSetMalformed(f"sequences are nested more than {MAX_DEPTH} deep at byte {offset}")
            levels.append(enter(data, start, level))
            offset = start
        else:
            offset = checked_end(data, start, length)
    raise DataSetMalformed(f"too many elements in front of byte {offset}")


def checked_end(data: memoryview, start: int, length: int) -> int:
    """Where a value of defined length ends. Raises DataSetTruncated when the data ends before."""
    end = start + length
    if end > len(data):
        raise DataSetTruncated(start)
    return end


def fragments(data: memoryview, start: int, end: int, encoding: Encoding) -> Iterator[memoryview]:
    """The items of an encapsulated value: the Basic Offset Table first, then its fragments. PS3.5 A.4."""
    offset = start
    while offset < end:
        _, length = read_item_header(data, offset, encoding)
        offset = checked_end(data, offset + 8, length)
        yield data[offset - length : offset]
