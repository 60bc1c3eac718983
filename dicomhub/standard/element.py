"""How data elements lie in a data set's bytes: their headers, and where their values end. PS3.5 7.1."""

from dataclasses import dataclass
from struct import Struct
from struct import error as StructError  # noqa: N812 - it is a class
from typing import Final, Literal

from dicomhub.standard.transfer_syntax import TransferSyntax

UNDEFINED_LENGTH: Final = 0xFFFFFFFF
ITEM: Final = 0xFFFEE000
ITEM_DELIMITATION: Final = 0xFFFEE00D
SEQUENCE_DELIMITATION: Final = 0xFFFEE0DD

LONG_VRS: Final = frozenset(
    (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV")
)
"""VRs with two reserved bytes and a length of 32 bits in Explicit VR. PS3.5 table 7.1-1."""
SHORT_VRS: Final = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())

VR_NAMES: Final = {vr: vr.decode("ascii") for vr in LONG_VRS | SHORT_VRS}


class DataSetMalformed(ValueError):
    """The bytes are no data set in the transfer syntax that they are said to be in."""


class DataSetTruncated(DataSetMalformed):
    """The bytes end before the data set does."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"the data set is cut short in the element at byte {offset}")


@dataclass(frozen=True, slots=True)
class Encoding:
    """How element headers are written; tag_and_length and long_length depend on the byte order alone."""

    is_implicit_vr: bool
    is_little_endian: bool
    byte_order: Literal["little", "big"]
    struct_order: Literal["<", ">"]
    tag_and_length: Struct
    tag_vr_and_length: Struct
    long_length: Struct


def _encoding(*, is_implicit_vr: bool, is_little_endian: bool) -> Encoding:
    order: Literal["<", ">"] = "<" if is_little_endian else ">"
    return Encoding(
        is_implicit_vr=is_implicit_vr,
        is_little_endian=is_little_endian,
        byte_order="little" if is_little_endian else "big",
        struct_order=order,
        tag_and_length=Struct(order + "HHI"),
        tag_vr_and_length=Struct(order + "HH2sH"),
        long_length=Struct(order + "I"),
    )


IMPLICIT_LITTLE_ENDIAN: Final = _encoding(is_implicit_vr=True, is_little_endian=True)
EXPLICIT_LITTLE_ENDIAN: Final = _encoding(is_implicit_vr=False, is_little_endian=True)
EXPLICIT_BIG_ENDIAN: Final = _encoding(is_implicit_vr=False, is_little_endian=False)
# Not a transfer syntax. It is what an UN of undefined length, or an item by a careless writer, holds inside
# of a big endian data set.
IMPLICIT_BIG_ENDIAN: Final = _encoding(is_implicit_vr=True, is_little_endian=False)


def is_vr(raw: bytes) -> bool:
    """Whether two bytes look like a VR, known or not: capital letters, as every VR must be. PS3.5 6.2."""
    return len(raw) == 2 and 0x41 <= raw[0] <= 0x5A and 0x41 <= raw[1] <= 0x5A


def sniffed(data: memoryview, offset: int, stated: Encoding) -> Encoding:
    """The encoding that the element at offset is really in, which some writers state wrongly.

    A first element in Implicit VR with capital letters where a VR would stand would be longer than 16 KiB,
    and the first element of a data set is a group length, a character set or an image type.
    """
    raw = bytes(data[offset + 4 : offset + 6])
    if len(raw) < 2 or is_vr(raw) != stated.is_implicit_vr:
        return stated
    if stated.is_little_endian:
        return EXPLICIT_LITTLE_ENDIAN if stated.is_implicit_vr else IMPLICIT_LITTLE_ENDIAN
    return EXPLICIT_BIG_ENDIAN if stated.is_implicit_vr else IMPLICIT_BIG_ENDIAN


def stated_encoding(syntax: TransferSyntax) -> Encoding:
    if syntax.is_implicit_vr:
        return IMPLICIT_LITTLE_ENDIAN
    return EXPLICIT_LITTLE_ENDIAN if syntax.is_little_endian else EXPLICIT_BIG_ENDIAN


def encoding_of(data: memoryview, syntax: TransferSyntax) -> Encoding:
    """The encoding of an (inflated) data set. Raises DataSetMalformed when it begins with a foreign group."""
    encoding = sniffed(data, 0, stated_encoding(syntax))
    if len(data) >= 4:
        group = int.from_bytes(data[:2], encoding.byte_order)
        # A command set or File Meta Information in front, or a whole Part 10 file, whose preamble is zeros.
        if group in (0x0000, 0x0002, 0xFFFE):
            raise DataSetMalformed(f"a data set cannot begin with group {group:04X}")
    return encoding


def read_header(data: memoryview, offset: int, encoding: Encoding) -> tuple[int, bytes, int, int]:
    """Tag, VR (empty in Implicit VR), value's offset and length of one element. Raises DataSetTruncated.

    An element whose VR is no letters is taken for Implicit VR: writers exist that switch in mid data set.
    """
    try:
        if encoding.is_implicit_vr:
            group, element, length = encoding.tag_and_length.unpack_from(data, offset)
            return group << 16 | element, b"", offset + 8, length
        group, element, vr, length = encoding.tag_vr_and_length.unpack_from(data, offset)
        if vr in LONG_VRS:
            return (
                group << 16 | element,
                vr,
                offset + 12,
                encoding.long_length.unpack_from(data, offset + 8)[0],
            )
        if vr not in SHORT_VRS and not is_vr(vr):
            return (
                group << 16 | element,
                b"",
                offset + 8,
                encoding.long_length.unpack_from(data, offset + 4)[0],
            )
    except StructError:
        raise DataSetTruncated(offset) from None
    return group << 16 | element, vr, offset + 8, length
