"""A data set in Explicit VR Little Endian, from its DICOM JSON Model. PS3.18 F, PS3.5 7.

Text is written in UTF-8, and Specific Character Set says so. Sequences and items have undefined lengths, so
that nothing has to be held to know how long it is; bulk data go through as the views that they come in.
"""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Any, Final

from dicomhub.standard.character_set import CharacterSet, character_set
from dicomhub.standard.element import (
    ITEM,
    ITEM_DELIMITATION,
    LONG_VRS,
    SEQUENCE_DELIMITATION,
    UNDEFINED_LENGTH,
    VR_NAMES,
)
from dicomhub.standard.explicit_little_endian import element_header
from dicomhub.standard.item import MAX_DEPTH
from dicomhub.standard.json_encoding import ENCODERS, ValueMalformed

__all__ = ["BulkValue", "ModelMalformed", "data_set_pieces"]

_TAG: Final = re.compile(r"[0-9A-Fa-f]{8}", re.ASCII)
_DELIMITER: Final = Struct("<HHI")
_SPECIFIC_CHARACTER_SET: Final = 0x00080005
_UTF_8: Final = b"ISO_IR 192"
_VRS: Final = frozenset(VR_NAMES.values())
_BYTES_VRS: Final = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "UN"))
_NUL_PADDED: Final = _BYTES_VRS | {"UI"}
_ENCODED_TEXT_VRS: Final = frozenset(("LO", "LT", "PN", "SH", "ST", "UC", "UT"))
_SHORT_MAX_BYTES: Final = 0xFFFE
_LONG_MAX_BYTES: Final = 0xFFFFFFFE
_LUT_DESCRIPTORS: Final = frozenset((0x00281101, 0x00281102, 0x00281103, 0x00283002))


class ModelMalformed(ValueError):
    """No data set can be made of the model; path says where, as a BulkDataURI's end would."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path


@dataclass(frozen=True, slots=True)
class BulkValue:
    """A value outside of the model, in little endian. is_encapsulated: its pieces are its fragments."""

    pieces: Sequence[bytes | memoryview]
    is_encapsulated: bool = False


FindBulkValue = Callable[[str], BulkValue]
"""By its BulkDataURI. Raises KeyError."""


def data_set_pieces(model: Any, find: FindBulkValue) -> Iterator[bytes | memoryview]:
    """The data set, piece by piece. File Meta Information and group lengths are left out.

    Raises ModelMalformed on the way.
    """
    if not isinstance(model, dict):
        raise ModelMalformed("", "not an object")
    stated = model.get("00080005")
    names = stated.get("Value") if isinstance(stated, dict) else None
    if not isinstance(names, list):
        names = []
    text = character_set("\\".join(str(name or "") for name in names).encode("ascii", "replace"))
    return _Writer(find, text).data_set({**model, "00080005": {"vr": "CS", "Value": [_UTF_8.decode()]}})


class _Writer:
    def __init__(self, find: FindBulkValue, text: CharacterSet) -> None:
        self._find = find
        self._text = text  # that bulk data of text are in

    def data_set(self, model: Any, prefix: str = "", depth: int = 0) -> Iterator[bytes | memoryview]:
        if not isinstance(model, dict):
            raise ModelMalformed(prefix, "not an object")
        if depth > MAX_DEPTH:
            raise ModelMalformed(prefix, f"sequences are nested more than {MAX_DEPTH} deep")
        tags = {name.upper(): name for name in model}
        for name in sorted(tags):
            if _TAG.fullmatch(name) is None:
                raise ModelMalformed(f"{prefix}{name[:64]}", "not a tag")
            tag = int(name, 16)
            group = tag >> 16
            is_left_out = not tag & 0xFFFF or group == 0x0002 or (depth and tag == _SPECIFIC_CHARACTER_SET)
            if group in (0x0000, 0xFFFE):
                raise ModelMalformed(f"{prefix}{name}", "no attribute of a data set")
            if not is_left_out:
                yield from self._element(tag, model[tags[name]], f"{prefix}{name}", depth)

    def _element(self, tag: int, attribute: Any, path: str, depth: int) -> Iterator[bytes | memoryview]:
        vr = attribute.get("vr") if isinstance(attribute, dict) else None
        if not isinstance(vr, str) or vr not in _VRS:
            raise ModelMalformed(path, "its vr is missing, or is none")
        given = [name for name in ("Value", "BulkDataURI", "InlineBinary") if name in attribute]
        if len(given) > 1:
            raise ModelMalformed(path, f"{given[0]} and {given[1]} at once")
        value = attribute[given[0]] if given else []
        if vr == "SQ":
            yield from self._sequence(tag, value if given in ([], ["Value"]) else None, path, depth)
        elif given == ["BulkDataURI"]:
            yield from self._bulk(tag, vr, value, path)
        else:
            content = self._content(tag, vr, given, value, path)
            yield from _whole(tag, vr, [content], path)

    def _sequence(self, tag: int, items: Any, path: str, depth: int) -> Iterator[bytes | memoryview]:
        if not isinstance(items, list):
            raise ModelMalformed(path, "the items of a sequence are no array")
        yield element_header(tag, "SQ", UNDEFINED_LENGTH)
        for number, item in enumerate(items):
            yield _delimiter(ITEM, UNDEFINED_LENGTH)
            yield from self.data_set(item or {}, f"{path}/{number}/", depth + 1)
            yield _delimiter(ITEM_DELIMITATION)
        yield _delimiter(SEQUENCE_DELIMITATION)

    def _content(self, tag: int, vr: str, given: list[str], value: Any, path: str) -> bytes:
        if given == ["InlineBinary"]:
            return _decoded(value, path)
        if not isinstance(value, list):
            raise ModelMalformed(path, "Value is no array")
        if not value:
            return b""
        if vr in _BYTES_VRS:
            raise ModelMalformed(path, f"{vr} has no Value, but InlineBinary or BulkDataURI")
        if vr == "SS" and tag in _LUT_DESCRIPTORS and value[0] in range(0x8000, 0x10000):
            value = [value[0] - 0x10000, *value[1:]]  # dicom_json shows a number of entries, never negative
        try:
            return ENCODERS[vr](value)
        except ValueMalformed as error:
            raise ModelMalformed(path, f"{vr}: {error}") from error

    def _bulk(self, tag: int, vr: str, uri: Any, path: str) -> Iterator[bytes | memoryview]:
        try:
            value = self._find(str(uri))
        except KeyError:
            raise ModelMalformed(
                path, "no part of the body has the Content-Location of its BulkDataURI"
            ) from None
        if value.is_encapsulated:
            yield from _encapsulated(tag, value.pieces, path)
        elif vr in _ENCODED_TEXT_VRS:
            content = b"".join(value.pieces)
            decode = self._text.decode_person_name if vr == "PN" else self._text.decode
            yield from _whole(tag, vr, [decode(content).encode("utf-8")], path)
        else:
            yield from _whole(tag, vr, value.pieces, path)


def _whole(
    tag: int, vr: str, pieces: Sequence[bytes | memoryview], path: str
) -> Iterator[bytes | memoryview]:
    """An element of defined length; UN where 16 bits cannot hold its length. PS3.5 6.2.2."""
    size_bytes = sum(map(len, pieces))
    if size_bytes > _LONG_MAX_BYTES:
        raise ModelMalformed(path, "longer than an element can be")
    padding = (b"\0" if vr in _NUL_PADDED else b" ") if size_bytes % 2 else b""
    length = size_bytes + len(padding)
    is_long = vr.encode("ascii") in LONG_VRS
    yield element_header(tag, vr if is_long or length <= _SHORT_MAX_BYTES else "UN", length)
    yield from pieces
    yield padding


def _encapsulated(
    tag: int, fragments: Sequence[bytes | memoryview], path: str
) -> Iterator[bytes | memoryview]:
    """PS3.5 A.4, with an empty Basic Offset Table."""
    yield element_header(tag, "OB", UNDEFINED_LENGTH)
    yield _delimiter(ITEM)
    for fragment in fragments:
        padding = b"\0" * (len(fragment) % 2)
        if len(fragment) > _LONG_MAX_BYTES:
            raise ModelMalformed(path, "longer than a fragment can be")
        yield _delimiter(ITEM, len(fragment) + len(padding))
        yield fragment
        yield padding
    yield _delimiter(SEQUENCE_DELIMITATION)


def _decoded(text: Any, path: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (Base64Error, TypeError, ValueError):
        raise ModelMalformed(path, "InlineBinary is no Base64") from None


def _delimiter(tag: int, length: int = 0) -> bytes:
    return _DELIMITER.pack(tag >> 16, tag & 0xFFFF, length)
