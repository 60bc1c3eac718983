"""A data set in Explicit VR Little Endian with some of its elements changed. PS3.5 7.1, A.2."""

from collections.abc import Iterable, Iterator, Mapping
from struct import Struct
from typing import Final

from dicomhub.standard.ambiguous_vr import Scopes
from dicomhub.standard.data_set_walk import Kind, walk
from dicomhub.standard.element import ITEM, Encoding
from dicomhub.standard.explicit_little_endian import ElementWriter, element_header
from dicomhub.standard.transfer_syntax import TransferSyntax

Pieces = Iterable[bytes | bytearray | memoryview]

_ITEM_HEADER: Final = Struct("<HHI")
_BEGINNINGS: Final = (Kind.ELEMENT, Kind.FRAGMENTS, Kind.SEQUENCE)


def changed(
    data: memoryview,
    encoding: Encoding,
    syntax: TransferSyntax,
    changes: Mapping[int, Pieces],
    *,
    must_be_whole: bool = True,
) -> Iterator[bytes | bytearray | memoryview]:
    """The elements of an (inflated) data set, in pieces, with those of changes among them.

    changes has encoded elements by tag: each takes the place of the one with its tag, or its own in the
    order of tags; without any piece it leaves the element out. Only the top level is changed. Pieces of
    changes are asked for when everything before them has been yielded. Raises DataSetMalformed on the way.
    """
    writer = ElementWriter(data, Scopes(data, encoding, must_be_whole=must_be_whole), syntax)
    pending = sorted(changes)
    is_left_out = False
    for event in walk(data, encoding, must_be_whole=must_be_whole):
        kind, tag = event[:2]
        if kind in _BEGINNINGS and not writer.is_inside_item:
            while pending and pending[0] <= tag:
                yield from changes[pending.pop(0)]
            is_left_out = tag in changes
        if is_left_out:
            writer.pass_over(event)
        else:
            yield from writer.pieces(event)
    for tag in pending:
        yield from changes[tag]


def tops_with_fragments(data: memoryview, encoding: Encoding) -> frozenset[int]:
    """Tags of the sequences on the top level that have encapsulated values in them, at any depth.

    An icon's pixels are encapsulated as the image's are (PS3.5 A.4). Raises DataSetMalformed.
    """
    tags: set[int] = set()
    depth = top = 0
    for kind, tag, *_ in walk(data, encoding):
        if kind is Kind.SEQUENCE:
            top = tag if depth == 0 else top
            depth += 1
        elif kind is Kind.SEQUENCE_END:
            depth -= 1
        elif kind is Kind.FRAGMENTS and depth:
            tags.add(top)
    return frozenset(tags)


def text_element(tag: int, vr: str, value: str) -> bytes:
    """An element of ASCII text, encoded in Explicit VR Little Endian."""
    raw = value.encode("ascii", "replace")
    raw += b" " * (len(raw) % 2)
    return element_header(tag, vr, len(raw)) + raw


def uid_element(tag: int, uid: str) -> bytes:
    raw = uid.encode("ascii", "replace")
    raw += b"\0" * (len(raw) % 2)
    return element_header(tag, "UI", len(raw)) + raw


def sequence_element(tag: int, *items: bytes) -> bytes:
    """A sequence of items, each of encoded elements, in Explicit VR Little Endian. PS3.5 7.5."""
    value = b"".join(_ITEM_HEADER.pack(ITEM >> 16, ITEM & 0xFFFF, len(item)) + item for item in items)
    return element_header(tag, "SQ", len(value)) + value


def unsigned_short_element(tag: int, value: int) -> bytes:
    return element_header(tag, "US", 2) + value.to_bytes(2, "little")
