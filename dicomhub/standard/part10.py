"""The header in front of an archived data set: preamble, prefix and File Meta Information. PS3.10 7.1."""

import struct
from dataclasses import dataclass
from functools import lru_cache

from dicomhub.standard.element import LONG_VRS
from dicomhub.standard.uid import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

PREAMBLE_BYTES = 128
PREFIX = b"DICM"
# In so many bytes of a file its header ends, and the data set begins.
HEADER_MAX_BYTES = 16 * 1024
_META_START = PREAMBLE_BYTES + len(PREFIX)
_SHORT = struct.Struct("<HH2sH")
_LONG = struct.Struct("<HH2s2xI")
_START = bytes(PREAMBLE_BYTES) + PREFIX + _SHORT.pack(0x0002, 0x0000, b"UL", 4)


class Part10Malformed(ValueError):
    """The bytes are no DICOM file, or its File Meta Information cannot be read."""


@dataclass(frozen=True, slots=True)
class FileMeta:
    """What File Meta Information says of the data set behind it, which starts at data_set_offset."""

    media_storage_sop_class_uid: str
    media_storage_sop_instance_uid: str
    transfer_syntax_uid: str
    data_set_offset: int
    private_information_creator_uid: str = ""
    private_information: bytes = b""


def _element(element: int, vr: bytes, value: bytes) -> bytes:
    if len(value) % 2:
        value += b"\0" if vr in {b"UI", b"OB"} else b" "
    header = _LONG if vr in LONG_VRS else _SHORT
    return header.pack(0x0002, element, vr, len(value)) + value


# All but the instance's own UID are the same for many in a row.
_repeated_element = lru_cache(maxsize=256)(_element)


def file_header(
    *,
    sop_class_uid: str,
    sop_instance_uid: str,
    transfer_syntax_uid: str,
    source_ae_title: str = "",
    private_information: bytes = b"",
) -> bytes:
    """Encode preamble, prefix and File Meta Information for a data set that follows. PS3.10 7.1.

    Private Information is ours: our implementation class is its creator.
    """
    start, before, after = file_header_pieces(
        sop_class_uid=sop_class_uid,
        transfer_syntax_uid=transfer_syntax_uid,
        source_ae_title=source_ae_title,
        private_information=private_information,
    )
    instance = _element(0x0003, b"UI", sop_instance_uid.encode("ascii", "replace"))
    elements = before + instance + after
    return start + len(elements).to_bytes(4, "little") + elements


def file_header_pieces(
    *,
    sop_class_uid: str,
    transfer_syntax_uid: str,
    source_ae_title: str = "",
    private_information: bytes = b"",
) -> tuple[bytes, bytes, bytes]:
    """What is the same for all instances of a class, syntax and source.

    The first piece ends where the group's length belongs (UL, the bytes behind it), the second where Media
    Storage SOP Instance UID (0002,0003) does.
    """
    source = source_ae_title.encode("ascii", "replace")
    before = _repeated_element(0x0001, b"OB", b"\0\1") + _repeated_element(
        0x0002, b"UI", sop_class_uid.encode("ascii", "replace")
    )
    after = b"".join(
        (
            _repeated_element(0x0010, b"UI", transfer_syntax_uid.encode("ascii", "replace")),
            _repeated_element(0x0012, b"UI", IMPLEMENTATION_CLASS_UID.encode("ascii")),
            _repeated_element(0x0013, b"SH", IMPLEMENTATION_VERSION_NAME.encode("ascii")),
            _repeated_element(0x0016, b"AE", source) if source else b"",
            _private_information(private_information) if private_information else b"",
        )
    )
    return _START, before, after


def _private_information(value: bytes) -> bytes:
    creator = _repeated_element(0x0100, b"UI", IMPLEMENTATION_CLASS_UID.encode("ascii"))
    return creator + _element(0x0102, b"OB", value)


def read_file_meta(head: bytes | memoryview) -> FileMeta:
    """Read File Meta Information from the first HEADER_MAX_BYTES of a file.

    The group length is not trusted: writers exist that get it wrong. The data set starts at the first
    element that is not of group 2. Raises Part10Malformed.
    """
    view = memoryview(head)
    if bytes(view[PREAMBLE_BYTES:_META_START]) != PREFIX:
        raise Part10Malformed("no DICM prefix at byte 128")
    values: dict[int, str] = {}
    private_information = b""
    offset = _META_START
    while offset + _SHORT.size <= len(view):
        group, element, vr, length = _SHORT.unpack_from(view, offset)
        if group != 0x0002:
            break
        start = offset + _SHORT.size
        if vr in LONG_VRS:
            if offset + _LONG.size > len(view):
                raise Part10Malformed("File Meta Information is cut short")
            length = _LONG.unpack_from(view, offset)[3]
            start = offset + _LONG.size
        offset = start + length
        if offset > len(view):
            raise Part10Malformed("File Meta Information is cut short")
        if vr == b"UI":
            values[element] = bytes(view[start:offset]).rstrip(b"\0 ").decode("ascii", "replace")
        elif element == 0x0102:
            private_information = bytes(view[start:offset])
    if 0x0010 not in values:
        raise Part10Malformed("File Meta Information names no transfer syntax")
    return FileMeta(
        media_storage_sop_class_uid=values.get(0x0002, ""),
        media_storage_sop_instance_uid=values.get(0x0003, ""),
        transfer_syntax_uid=values[0x0010],
        data_set_offset=offset,
        private_information_creator_uid=values.get(0x0100, ""),
        private_information=private_information,
    )
