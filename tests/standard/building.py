"""Data sets made element by element, in any encoding, right or wrong."""

import struct
from dataclasses import dataclass, replace

from dicomhub.standard.element import ITEM, ITEM_DELIMITATION, LONG_VRS, SEQUENCE_DELIMITATION
from dicomhub.standard.transfer_syntax import (
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    TransferSyntax,
    transfer_syntax,
)

UNDEFINED = 0xFFFFFFFF


@dataclass(frozen=True)
class Writer:
    syntax: TransferSyntax

    @property
    def order(self) -> str:
        return "<" if self.syntax.is_little_endian else ">"

    @property
    def implicitly(self) -> "Writer":
        """The same byte order, in Implicit VR."""
        return Writer(replace(self.syntax, is_implicit_vr=True))

    def header(self, tag: int, vr: str, length: int) -> bytes:
        group, element, raw_vr = tag >> 16, tag & 0xFFFF, vr.encode()
        if self.syntax.is_implicit_vr or vr == "":
            return struct.pack(self.order + "HHI", group, element, length)
        if raw_vr in LONG_VRS:
            return struct.pack(self.order + "HH2s2xI", group, element, raw_vr, length)
        return struct.pack(self.order + "HH2sH", group, element, raw_vr, length)

    def element(self, tag: int, vr: str, value: bytes) -> bytes:
        return self.header(tag, vr, len(value)) + value

    def numbers(self, tag: int, vr: str, code: str, *values: float) -> bytes:
        return self.element(tag, vr, struct.pack(f"{self.order}{len(values)}{code}", *values))

    def sequence(self, tag: int, *items: bytes, vr: str = "SQ") -> bytes:
        """Sequence and items of defined length."""
        return self.element(tag, vr, b"".join(self.header(ITEM, "", len(item)) + item for item in items))

    def delimited_sequence(self, tag: int, *items: bytes, vr: str = "SQ") -> bytes:
        """Sequence and items of undefined length."""
        return (
            self.header(tag, vr, UNDEFINED)
            + b"".join(
                self.header(ITEM, "", UNDEFINED) + item + self.header(ITEM_DELIMITATION, "", 0)
                for item in items
            )
            + self.header(SEQUENCE_DELIMITATION, "", 0)
        )

    def encapsulated(self, tag: int, vr: str, *fragments: bytes) -> bytes:
        """The first fragment is the Basic Offset Table."""
        return (
            self.header(tag, vr, UNDEFINED)
            + b"".join(self.header(ITEM, "", len(fragment)) + fragment for fragment in fragments)
            + self.header(SEQUENCE_DELIMITATION, "", 0)
        )


EXPLICIT = Writer(transfer_syntax(EXPLICIT_VR_LITTLE_ENDIAN))
IMPLICIT = Writer(transfer_syntax(IMPLICIT_VR_LITTLE_ENDIAN))
BIG_ENDIAN = Writer(transfer_syntax(EXPLICIT_VR_BIG_ENDIAN))
NATIVE = (EXPLICIT, IMPLICIT, BIG_ENDIAN)


def head(
    writer: Writer,
    *,
    before_study: bytes = b"",
    patient_id: bytes = b"1234567 ",
    character_set: bytes = b"",
) -> bytes:
    """A data set up to Series Instance UID; before_study stands between Patient ID and Study Instance UID."""
    return b"".join(
        (
            writer.element(0x00080005, "CS", character_set) if character_set else b"",
            writer.element(0x00080016, "UI", b"1.2.840.10008.5.1.4.1.1.2\0"),
            writer.element(0x00080018, "UI", b"1.2.3.4\0"),
            writer.element(0x00100020, "LO", patient_id),
            writer.element(0x00100021, "LO", b"HOSPITAL"),
            before_study,
            writer.element(0x0020000D, "UI", b"1.2.3\0"),
            writer.element(0x0020000E, "UI", b"1.2.3.9\0"),
        )
    )
