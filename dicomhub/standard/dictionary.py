"""VRs of elements that come without one, or as UN. PS3.6 6, PS3.5 6.2.2 and 7.8.

The dictionaries are pydicom's, the private one included.
"""

from functools import lru_cache
from typing import Final

from pydicom._dicom_dict import DicomDictionary
from pydicom._private_dict import private_dictionaries
from pydicom.datadict import dictionary_VR

from dicomhub.standard.element import UNDEFINED_LENGTH, VR_NAMES

# Not a VR, but what PS3.6 says of an attribute whose VR depends on others.
AMBIGUOUS: Final = frozenset(("OB or OW", "US or SS", "US or OW", "US or SS or OW"))
_UNKNOWN: Final = "UN"
_LOOKED_UP: Final = (b"", b"UN")
_CREATOR_MAX_LENGTH: Final = 64  # LO


@lru_cache(maxsize=16384)
def dictionary_vr(tag: int) -> str | None:
    """The VR of a standard attribute, one of AMBIGUOUS perhaps; None for one that PS3.6 does not have."""
    entry = DicomDictionary.get(tag)
    if entry is not None:
        return str(entry[0])
    if not tag & 0xFFFF:
        return "UL"  # a group length
    try:
        return str(dictionary_VR(tag))  # the repeating groups: 50xx, 60xx
    except KeyError:
        return None


@lru_cache(maxsize=16384)
def private_vr(tag: int, creator: str) -> str | None:
    """The VR of a private element of this private creator, None for one that nobody has published."""
    elements = private_dictionaries.get(creator)
    if elements is None:
        return None
    number = f"{tag:08X}"
    for name in (number, f"{number[:4]}xx{number[6:]}", f"{number[:2]}xxxx{number[6:]}"):
        if name in elements:
            return str(elements[name][0])
    return None


def vr_of(
    data: memoryview,
    tag: int,
    raw_vr: bytes,
    start: int,
    length: int,
    creators: dict[int, tuple[int, int]],
) -> str:
    """The VR to read an element by. One that the bytes name stands; for UN and none at all it is looked up.

    raw_vr, start and length are what element.read_header says of the element, creators says where the values
    of the private creators before it lie, by their tags.

    What is said to be a sequence and holds no items is UN: better its bytes than nothing of the data set.
    """
    name = VR_NAMES.get(raw_vr, _UNKNOWN)
    if name == _UNKNOWN and raw_vr in _LOOKED_UP:
        if raw_vr and length == UNDEFINED_LENGTH:
            return "SQ"  # PS3.5 6.2.2, note 2
        if tag & 0x10000:
            name = _private_vr_of(data, tag, creators)
        elif not raw_vr or length < 0xFFFF:
            # A known attribute is UN only where 16 bits cannot hold its length. PS3.5 6.2.2, note 4.
            name = dictionary_vr(tag) or _UNKNOWN
    if name == "SQ" and length not in (0, UNDEFINED_LENGTH) and not _begins_with_item(data, start):
        return _UNKNOWN
    if length == UNDEFINED_LENGTH and name == _UNKNOWN and _begins_with_item(data, start):
        return "SQ"
    return name


def _begins_with_item(data: memoryview, start: int) -> bool:
    return bytes(data[start : start + 4]) in (b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00")


def _private_vr_of(data: memoryview, tag: int, creators: dict[int, tuple[int, int]]) -> str:
    element = tag & 0xFFFF
    if 0x10 <= element <= 0xFF:
        return "LO"  # a private creator. PS3.5 7.8.1
    reserved = creators.get(tag & 0xFFFF0000 | element >> 8)
    if reserved is None or reserved[1] - reserved[0] > _CREATOR_MAX_LENGTH:
        return _UNKNOWN
    creator = bytes(data[slice(*reserved)]).decode("latin-1").rstrip(" \0")
    return private_vr(tag, creator) or _UNKNOWN
