"""A data set in the DICOM JSON Model, straight from its bytes. PS3.18 F.

docs/dicom-json.md says how it differs from pydicom's to_json_dict, and what becomes of broken values.
"""

from base64 import b64encode
from collections.abc import Iterator
from typing import Any, Final

import orjson

from dicomhub.standard.ambiguous_vr import Scopes
from dicomhub.standard.bulk_data import bulk_data
from dicomhub.standard.byte_order import swap_unit_bytes, swapped
from dicomhub.standard.character_set import DEFAULT_CHARACTER_SET, CharacterSet, character_set
from dicomhub.standard.data_set_walk import Kind, walk
from dicomhub.standard.dictionary import AMBIGUOUS
from dicomhub.standard.element import Encoding, encoding_of
from dicomhub.standard.inflate import inflated
from dicomhub.standard.json_value import CONVERTERS, ValueUnreadable
from dicomhub.standard.nesting import Nesting, tag_name
from dicomhub.standard.transfer_syntax import TransferSyntax

__all__ = ["Model", "bulk_data", "bulk_data_uris", "data_set_to_model", "encode_model"]

Model = dict[str, Any]

_SPECIFIC_CHARACTER_SET: Final = 0x00080005
_PIXEL_REPRESENTATION: Final = "00280103"
_ABSENT: Final[Model] = {}
# Numbers and texts stand in the model itself up to here: a table of a few thousand entries does, and a
# document does not grow to several times the size of what it describes.
INLINE_MAX_BYTES: Final = 64 * 1024
# Those of them that PS3.18 F.2.6 lets be bulk data.
_MAY_BE_BULK: Final = frozenset(
    ("DS", "FD", "FL", "IS", "LT", "SL", "SS", "ST", "SV", "UC", "UL", "US", "UT", "UV")
)
# Float, Double Float and integer Pixel Data.
_PIXELS: Final = frozenset((0x7FE00008, 0x7FE00009, 0x7FE00010))
# Their first value counts entries and is never negative, even where the others are signed. PS3.3 C.11.1.1.
_LUT_DESCRIPTORS: Final = frozenset((0x00281101, 0x00281102, 0x00281103, 0x00283002))


def data_set_to_model(
    data: bytes | memoryview,
    syntax: TransferSyntax,
    *,
    bulk_data_uri: str,
    bulk_data_threshold_bytes: int = 1024,
    must_be_whole: bool = True,
) -> Model:
    """One data set in the DICOM JSON Model, its tags ascending.

    Values of bytes longer than bulk_data_threshold_bytes, pixels always, and numbers and texts longer than
    INLINE_MAX_BYTES are named by a BulkDataURI:
    bulk_data_uri, a slash and the path by which bulk_data finds them. Raises DataSetMalformed; without
    must_be_whole only where there is nothing to begin with, and else gives what stands before the fault.
    """
    data_set = inflated(data, syntax, must_be_whole=must_be_whole)
    builder = _Builder(
        data_set,
        encoding_of(data_set, syntax),
        bulk_data_uri=bulk_data_uri,
        bulk_data_threshold_bytes=bulk_data_threshold_bytes,
        must_be_whole=must_be_whole,
    )
    return builder.build()


def encode_model(model: Model) -> bytes:
    """One JSON object, in UTF-8."""
    return orjson.dumps(model)


def bulk_data_uris(model: Model) -> Iterator[str]:
    """Every BulkDataURI of a model, in its items too."""
    for attribute in model.values():
        if "BulkDataURI" in attribute:
            yield attribute["BulkDataURI"]
        elif attribute["vr"] == "SQ":
            for item in attribute.get("Value", ()):
                yield from bulk_data_uris(item)


class _Builder:
    """Builds the model of one data set: the state is that of the innermost item that the walk is in."""

    def __init__(
        self,
        data: memoryview,
        encoding: Encoding,
        *,
        bulk_data_uri: str,
        bulk_data_threshold_bytes: int,
        must_be_whole: bool,
    ) -> None:
        self._data = data
        self._bulk_data_uri = bulk_data_uri
        self._threshold = bulk_data_threshold_bytes
        self._nesting = Nesting()
        self._events = walk(data, encoding, must_be_whole=must_be_whole)
        self._scopes = Scopes(data, encoding, must_be_whole=must_be_whole)
        self._model: Model = {}
        self._text = DEFAULT_CHARACTER_SET
        self._outer: list[tuple[Model, CharacterSet]] = []
        self._items: list[list[Model]] = []

    def build(self) -> Model:
        element = Kind.ELEMENT
        for kind, tag, vr, start, end, encoding in self._events:
            if kind is element:
                if tag & 0xFFFF:  # no group lengths
                    self._model[tag_name(tag)] = self._attribute(tag, vr, start, end, encoding)
            elif kind is Kind.FRAGMENTS:
                self._model[tag_name(tag)] = self._bulk(tag, "OB" if vr in AMBIGUOUS else vr)
            else:
                self._nest(kind, tag)
        return _ascending(self._model)

    def _nest(self, kind: Kind, tag: int) -> None:
        self._nesting.follow(kind, tag)
        if kind is Kind.SEQUENCE:
            self._items.append([])
        elif kind is Kind.SEQUENCE_END:
            items = self._items.pop()
            self._model[tag_name(tag)] = {"vr": "SQ", "Value": items} if items else {"vr": "SQ"}
        elif kind is Kind.ITEM:
            self._outer.append((self._model, self._text))
            self._model = {}
        else:
            self._items[-1].append(_ascending(self._model))
            self._model, self._text = self._outer.pop()

    def _attribute(self, tag: int, vr: str, start: int, end: int, encoding: Encoding) -> Model:
        converter = CONVERTERS.get(vr)
        if converter is None:
            if vr not in AMBIGUOUS:
                return self._bytes(tag, vr, start, end, encoding)
            vr = self._resolved_vr(tag, vr, encoding)
            return self._attribute(tag, vr, start, end, encoding)
        if start == end:
            return {"vr": vr}
        if end - start > INLINE_MAX_BYTES and vr in _MAY_BE_BULK:
            return self._bulk(tag, vr)
        value = bytes(self._data[start:end])
        if tag == _SPECIFIC_CHARACTER_SET:
            self._text = character_set(value)
        try:
            values = converter(value, self._text, encoding.struct_order)
        except ValueUnreadable:
            return self._bytes(tag, "UN", start, end, encoding)
        if vr == "SS" and tag in _LUT_DESCRIPTORS and values[0] < 0:
            values[0] += 0x10000
        return {"vr": vr, "Value": values} if values else {"vr": vr}

    def _bytes(self, tag: int, vr: str, start: int, end: int, encoding: Encoding) -> Model:
        if start == end:
            return {"vr": vr}
        if tag in _PIXELS or end - start > self._threshold:
            return self._bulk(tag, vr)
        value: bytes | memoryview = self._data[start:end]
        if not encoding.is_little_endian:
            value = swapped(value, swap_unit_bytes(tag, vr, self._scopes[self._nesting.scope].bits_allocated))
        return {"vr": vr, "InlineBinary": b64encode(value).decode("ascii")}

    def _bulk(self, tag: int, vr: str) -> Model:
        return {"vr": vr, "BulkDataURI": f"{self._bulk_data_uri}/{self._nesting.prefix}{tag_name(tag)}"}

    def _resolved_vr(self, tag: int, vr: str, encoding: Encoding) -> str:
        representation = self._model.get(_PIXEL_REPRESENTATION, _ABSENT).get("Value")
        if vr == "US or SS" and representation:
            # Nearly always: no need to look through the whole data set for what has just gone by.
            return "SS" if representation[0] else "US"
        return self._scopes.resolved_vr(tag, vr, self._nesting.scope, encoding)


def _ascending(model: Model) -> Model:
    """The model itself, unless its data set broke the order of tags, which is the order of names too."""
    names = list(model)
    in_order = sorted(names)
    return model if names == in_order else {name: model[name] for name in in_order}
