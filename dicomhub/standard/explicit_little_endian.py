"""A data set in Explicit VR Little Endian, whatever native syntax it is in. PS3.5 A.2, PS3.18 8.7.3.5.2.

Nothing is decoded but element headers, and no value is held whole: a data set of any size, mapped into
memory, is re-encoded in the memory that one chunk takes.
"""

from collections.abc import Iterator
from struct import Struct
from typing import Final

from dicomhub.standard.ambiguous_vr import Scopes
from dicomhub.standard.byte_order import swap_unit_bytes, swapped
from dicomhub.standard.data_set_walk import Event, Kind, walk
from dicomhub.standard.dictionary import AMBIGUOUS
from dicomhub.standard.element import (
    EXPLICIT_LITTLE_ENDIAN,
    ITEM,
    ITEM_DELIMITATION,
    LONG_VRS,
    SEQUENCE_DELIMITATION,
    UNDEFINED_LENGTH,
    Encoding,
    encoding_of,
    stated_encoding,
)
from dicomhub.standard.inflate import inflated_chunks
from dicomhub.standard.item import fragments
from dicomhub.standard.nesting import Nesting
from dicomhub.standard.transfer_syntax import GE_PRIVATE_IMPLICIT_VR, TransferSyntax

CHUNK_BYTES: Final = 1024 * 1024

_PIXEL_DATA: Final = 0x7FE00010
_SHORT: Final = Struct("<HH2sH")
_LONG: Final = Struct("<HH2s2xI")
_DELIMITER: Final = Struct("<HHI")
_SHORT_VALUE_MAX_BYTES: Final = 0xFFFE
# Bytes of one value of the VRs whose values are numbers.
_NUMBER_BYTES: Final = {
    **dict.fromkeys(("SS", "US"), 2),
    **dict.fromkeys(("AT", "FL", "SL", "UL"), 4),
    **dict.fromkeys(("FD", "SV", "UV"), 8),
}
# Padded with NUL to an even length, all others with a space. PS3.5 6.2.
_NUL_PADDED: Final = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "UI", "UN"))


class NeedsPixelDecoder(Exception):
    """An encapsulated data set is Explicit VR Little Endian only once its pixels are decoded."""

    def __init__(self, syntax: TransferSyntax) -> None:
        super().__init__(f"{syntax.name} ({syntax.uid}) is encapsulated")
        self.syntax = syntax


def reencode(data: bytes | memoryview, syntax: TransferSyntax) -> Iterator[bytes | memoryview]:
    """The same data set in Explicit VR Little Endian, in chunks.

    Group lengths are left out, sequences and items get undefined lengths. A data set that breaks off is
    encoded up to there. Raises NeedsPixelDecoder, and DataSetMalformed for a deflate stream that is broken.
    """
    if syntax.is_encapsulated:
        raise NeedsPixelDecoder(syntax)
    if syntax.is_deflated:
        # Inflated twice: a stream shows only at its end whether it is whole, and by then it would be sent.
        for _ in inflated_chunks(data, chunk_bytes=CHUNK_BYTES):
            pass
        return inflated_chunks(data, chunk_bytes=CHUNK_BYTES)
    view = memoryview(data)
    encoding = encoding_of(view, syntax)
    if encoding is stated_encoding(syntax) is EXPLICIT_LITTLE_ENDIAN:
        return _chunks(view)
    scopes = Scopes(view, encoding, must_be_whole=False)
    writer = ElementWriter(view, scopes, syntax)
    events = walk(view, encoding, must_be_whole=False)
    return _gathered(piece for event in events for piece in writer.pieces(event))


def _chunks(value: memoryview) -> Iterator[memoryview]:
    return (value[start : start + CHUNK_BYTES] for start in range(0, len(value), CHUNK_BYTES))


def _gathered(pieces: Iterator[bytes | memoryview]) -> Iterator[bytes | memoryview]:
    """Small pieces joined to chunks, large ones as they are."""
    gathered = bytearray()
    for piece in pieces:
        is_large = len(piece) >= CHUNK_BYTES
        if not is_large:
            gathered += piece
        if gathered and (is_large or len(gathered) >= CHUNK_BYTES):
            yield bytes(gathered)
            gathered.clear()
        if is_large:
            yield piece
    if gathered:
        yield bytes(gathered)


def element_header(tag: int, vr: str, length: int) -> bytes:
    """The header of an element, in Explicit VR Little Endian. PS3.5 7.1.2."""
    raw_vr = vr.encode("ascii")
    header = _LONG if raw_vr in LONG_VRS else _SHORT
    return header.pack(tag >> 16, tag & 0xFFFF, raw_vr, length)


def _delimiter(tag: int, length: int = 0) -> bytes:
    return _DELIMITER.pack(tag >> 16, tag & 0xFFFF, length)


_NESTING: Final = {
    Kind.ITEM: _delimiter(ITEM, UNDEFINED_LENGTH),
    Kind.ITEM_END: _delimiter(ITEM_DELIMITATION),
    Kind.SEQUENCE_END: _delimiter(SEQUENCE_DELIMITATION),
}


class ElementWriter:
    """Writes a walk's events, one by one, in Explicit VR Little Endian."""

    def __init__(self, data: memoryview, scopes: Scopes, syntax: TransferSyntax) -> None:
        self._data = data
        self._scopes = scopes
        self._are_pixels_big_endian = syntax.uid == GE_PRIVATE_IMPLICIT_VR
        self._nesting = Nesting()

    @property
    def is_inside_item(self) -> bool:
        return bool(self._nesting.prefix)

    def pieces(self, event: Event) -> Iterator[bytes | memoryview]:
        kind, tag, vr, start, end, encoding = event
        if kind is Kind.ELEMENT:
            if tag & 0xFFFF:
                yield from self._element(tag, vr, start, end, encoding)
        elif kind is Kind.FRAGMENTS:
            yield from self._fragments(tag, vr, start, end, encoding)
        else:
            self._nesting.follow(kind, tag)
            yield element_header(tag, "SQ", UNDEFINED_LENGTH) if kind is Kind.SEQUENCE else _NESTING[kind]

    def pass_over(self, event: Event) -> None:
        """Leave an event out, and know nevertheless where the next one is."""
        if event[0] is not Kind.ELEMENT and event[0] is not Kind.FRAGMENTS:
            self._nesting.follow(event[0], event[1])

    def _element(
        self, tag: int, vr: str, start: int, end: int, encoding: Encoding
    ) -> Iterator[bytes | memoryview]:
        scope = self._nesting.scope
        if vr in AMBIGUOUS:
            vr = self._scopes.resolved_vr(tag, vr, scope, encoding)
        bits_allocated = self._scopes[scope].bits_allocated
        is_little_endian = encoding.is_little_endian and not (
            tag == _PIXEL_DATA and self._are_pixels_big_endian
        )
        unit_bytes = 1 if is_little_endian else swap_unit_bytes(tag, vr, bits_allocated)
        vr = _writable(vr, end - start)
        yield element_header(tag, vr, end - start + (end - start) % 2)
        for chunk in _chunks(self._data[start:end]):
            yield chunk if unit_bytes == 1 else swapped(chunk, unit_bytes)
        if (end - start) % 2:
            yield b"\0" if vr in _NUL_PADDED else b" "

    def _fragments(
        self, tag: int, vr: str, start: int, end: int, encoding: Encoding
    ) -> Iterator[bytes | memoryview]:
        """Encapsulated, though the syntax is not: it stays what it is."""
        yield element_header(tag, vr if vr in ("OB", "OW", "UN") else "OB", UNDEFINED_LENGTH)
        for fragment in fragments(self._data, start, end, encoding):
            yield _delimiter(ITEM, len(fragment))
            yield from _chunks(fragment)
        yield _delimiter(SEQUENCE_DELIMITATION)


def _writable(vr: str, length: int) -> str:
    """UN for a value that its VR cannot hold: too long for 16 bits (PS3.5 6.2.2, note 4), or broken."""
    is_short = vr.encode("ascii") not in LONG_VRS
    if is_short and length > _SHORT_VALUE_MAX_BYTES:
        return "UN"
    return "UN" if length % _NUMBER_BYTES.get(vr, 1) else vr
