"""What a receiver must know of a data set before it has all of it: whose it is, and what. PS3.3 C.12, C.7."""

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from itertools import repeat
from typing import Final

from dicomhub.standard.character_set import character_set
from dicomhub.standard.element import (
    SHORT_VRS,
    UNDEFINED_LENGTH,
    DataSetMalformed,
    DataSetTruncated,
    Encoding,
    encoding_of,
    read_header,
)
from dicomhub.standard.head_layout import HeadLayout
from dicomhub.standard.inflate import HEAD_STEPS_BYTES, inflate_head
from dicomhub.standard.item import end_of_undefined
from dicomhub.standard.transfer_syntax import TransferSyntax

__all__ = ["DataSetHead", "DataSetMalformed", "read_head"]

SPECIFIC_CHARACTER_SET: Final = 0x00080005
SOP_CLASS_UID: Final = 0x00080016
SOP_INSTANCE_UID: Final = 0x00080018
PATIENT_ID: Final = 0x00100020
ISSUER_OF_PATIENT_ID: Final = 0x00100021
STUDY_INSTANCE_UID: Final = 0x0020000D
SERIES_INSTANCE_UID: Final = 0x0020000E

_WANTED: Final = frozenset(
    (
        SPECIFIC_CHARACTER_SET,
        SOP_CLASS_UID,
        SOP_INSTANCE_UID,
        PATIENT_ID,
        ISSUER_OF_PATIENT_ID,
        STUDY_INSTANCE_UID,
        SERIES_INSTANCE_UID,
    )
)
_WANTED_ELEMENTS: Final = frozenset(tag & 0xFFFF for tag in _WANTED)
_LAST_GROUP: Final = SERIES_INSTANCE_UID >> 16
# A head that is longer is long in its sequences, and these are compared byte for byte.
_REMEMBERED_BYTES: Final = 16 * 1024
# Elements and items that are gone through, at a microsecond each. What lists all instances of a large study
# has some ten thousand; more than this are made to keep a receiver busy until it is taken for hung.
_MAX_STEPS: Final = 1_000_000
# None of the values wanted is longer in Explicit VR, whose lengths have 16 bits.
_VALUE_MAX_BYTES: Final = 0xFFFF
_last_layouts: dict[tuple[str, bool], HeadLayout] = {}
"""Of the last head in each encoding, by its byte order and whether its VRs are implicit."""


@dataclass(frozen=True, slots=True)
class DataSetHead:
    """The attributes by which an instance is filed; "" for one that is absent or empty."""

    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str
    patient_id: str
    issuer_of_patient_id: str


def read_head(data: bytes | memoryview, syntax: TransferSyntax, *, is_whole: bool) -> DataSetHead | None:
    """Read the head from a data set's first bytes, or None when it needs more of them.

    It reads up to Series Instance UID (0020,000E), which the ascending order of tags puts last. is_whole says
    that data is all there is: the answer is then never None, and attributes may be absent. Raises
    DataSetMalformed, whatever the bytes are, and nothing else.
    """
    if syntax.is_deflated:
        return _read_deflated_head(data, syntax, is_whole=is_whole)
    return _read_head(memoryview(data), syntax, is_whole=is_whole)


def _read_deflated_head(
    data: bytes | memoryview, syntax: TransferSyntax, *, is_whole: bool
) -> DataSetHead | None:
    for max_bytes in HEAD_STEPS_BYTES:
        inflated, is_complete = inflate_head(data, max_bytes=max_bytes)
        is_all = is_complete or (is_whole and len(inflated) < max_bytes)
        head = _read_head(memoryview(inflated), syntax, is_whole=is_all)
        if head is not None or len(inflated) < max_bytes:
            return head
    raise DataSetMalformed(f"no Series Instance UID in the first {max_bytes} bytes inflated")


def _read_head(data: memoryview, syntax: TransferSyntax, *, is_whole: bool) -> DataSetHead | None:
    try:
        values, is_past = _wanted_values(data, encoding_of(data, syntax))
    except DataSetTruncated:
        if is_whole:
            raise
        return None
    return _head(values) if is_past or is_whole else None


def _wanted_values(data: memoryview, encoding: Encoding) -> tuple[dict[int, bytes], bool]:
    """The values wanted, by tag, and whether the place of the last one has been passed."""
    key = encoding.byte_order, encoding.is_implicit_vr
    layout = _last_layouts.get(key)
    values = layout.values(data) if layout is not None else None
    if values is not None:
        return values, True
    headers, places, is_past = _walk(data, encoding)
    last = places.get(SERIES_INSTANCE_UID)
    if last is not None and last.stop <= min(len(data), _REMEMBERED_BYTES):
        _last_layouts[key] = HeadLayout(data, headers, places)
    return {tag: bytes(data[place]) for tag, place in places.items()}, is_past


def _walk(data: memoryview, encoding: Encoding) -> tuple[Collection[tuple[int, int]], dict[int, slice], bool]:
    """Go from element to element: what says where the next one begins, as ends; the values wanted; the last.

    The last is whether the place of the last value wanted has been passed.
    """
    # The first are lost when there are more than a head that is remembered can have: a header has 8 bytes.
    headers: deque[tuple[int, int]] = deque(maxlen=_REMEMBERED_BYTES // 8)
    steps = repeat(None, _MAX_STEPS)
    places: dict[int, slice] = {}
    offset = 0
    size = len(data)
    short_vrs = frozenset() if encoding.is_implicit_vr else SHORT_VRS
    unpack = encoding.tag_vr_and_length.unpack_from
    for _ in steps:
        if offset + 8 > size:
            break
        element_start = offset
        group, element, vr, length = unpack(data, offset)
        if vr in short_vrs:
            offset += 8
            headers.append((element_start, offset))
            if group < _LAST_GROUP and element not in _WANTED_ELEMENTS:
                # Most elements of every instance received end here.
                offset += length
                continue
            tag = group << 16 | element
        else:
            tag, _, offset, length = read_header(data, offset, encoding)
            if length == UNDEFINED_LENGTH and tag <= SERIES_INSTANCE_UID:
                offset = end_of_undefined(data, offset, encoding, steps=steps) + 8
                headers.append((element_start, offset))
                continue
            headers.append((element_start, offset))
        if tag > SERIES_INSTANCE_UID:
            return headers, places, True
        start = offset
        offset += length
        if tag in _WANTED:
            places[tag] = _place(tag, start, length)
            if tag == SERIES_INSTANCE_UID and offset <= size:
                return headers, places, True
    else:
        raise DataSetMalformed(f"more than {_MAX_STEPS} elements in front of Series Instance UID")
    if offset != size:
        raise DataSetTruncated(offset)
    return headers, places, False


def _place(tag: int, start: int, length: int) -> slice:
    if length > _VALUE_MAX_BYTES:
        raise DataSetMalformed(f"{tag:08X} has {length} bytes")
    return slice(start, start + length)


def _head(values: dict[int, bytes]) -> DataSetHead:
    text = character_set(values.get(SPECIFIC_CHARACTER_SET, b""))

    def uid(tag: int) -> str:
        return values.get(tag, b"").rstrip(b"\0 ").decode("ascii", "replace")

    def long_string(tag: int) -> str:
        return text.decode(values.get(tag, b"")).rstrip("\0 ")

    return DataSetHead(
        sop_class_uid=uid(SOP_CLASS_UID),
        sop_instance_uid=uid(SOP_INSTANCE_UID),
        study_instance_uid=uid(STUDY_INSTANCE_UID),
        series_instance_uid=uid(SERIES_INSTANCE_UID),
        patient_id=long_string(PATIENT_ID),
        issuer_of_patient_id=long_string(ISSUER_OF_PATIENT_ID),
    )
