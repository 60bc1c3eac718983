"""VRs that depend on other attributes, where the bytes name none. PS3.6 6 ("US or SS"), PS3.5 A.1."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from dicomhub.standard.data_set_walk import Event, Kind, walk
from dicomhub.standard.element import Encoding

_BITS_ALLOCATED: Final = 0x00280100
_PIXEL_REPRESENTATION: Final = 0x00280103
_LUT_DESCRIPTOR: Final = 0x00283002
_LUT_DATA: Final = 0x00283006
_WAVEFORM_BITS_ALLOCATED: Final = 0x54001004
_PIXEL_DATA: Final = 0x7FE00010
_FACTS: Final = frozenset((_BITS_ALLOCATED, _PIXEL_REPRESENTATION, _LUT_DESCRIPTOR, _WAVEFORM_BITS_ALLOCATED))
# What the VR of Pixel Data goes by, and that of Channel Minimum and Maximum Value, Waveform Padding Value and
# Waveform Data.
_BY_BITS: Final = {
    _PIXEL_DATA: _BITS_ALLOCATED,
    **dict.fromkeys((0x54000110, 0x54000112, 0x5400100A, 0x54001010), _WAVEFORM_BITS_ALLOCATED),
}


@dataclass(slots=True)
class Scope:
    """What a data set or an item says that decides on the VRs in it and in the items within."""

    parent: "Scope | None"
    facts: dict[int, int] = field(default_factory=dict)

    def nearest(self, tag: int) -> int | None:
        if tag in self.facts or self.parent is None:
            return self.facts.get(tag)
        return self.parent.nearest(tag)

    @property
    def bits_allocated(self) -> int:
        """0 where it is not said."""
        return self.facts.get(_BITS_ALLOCATED, 0)


class Scopes:
    """The scope of a data set and of every item in it, by the number that nesting.Nesting gives it.

    Made by a walk of its own, the first time that one is asked for: Pixel Representation may come after what
    depends on it. That walk raises DataSetMalformed.
    """

    __slots__ = ("_data", "_encoding", "_must_be_whole", "_scopes")

    def __init__(self, data: memoryview, encoding: Encoding, *, must_be_whole: bool = True) -> None:
        self._data = data
        self._encoding = encoding
        self._must_be_whole = must_be_whole
        self._scopes: list[Scope] = []

    def __getitem__(self, number: int) -> Scope:
        if not self._scopes:
            self.gather()
        return self._scopes[number]

    def gather(self) -> None:
        """Walk now. Raises DataSetMalformed where any walk through this data set would."""
        self._scopes = _scopes(
            walk(self._data, self._encoding, must_be_whole=self._must_be_whole), self._data
        )

    def resolved_vr(self, tag: int, vr: str, number: int, encoding: Encoding) -> str:
        """The VR for one of dictionary.AMBIGUOUS, of an element in this scope."""
        if vr == "US or SS":
            return "SS" if self[number].nearest(_PIXEL_REPRESENTATION) else "US"
        if tag == _LUT_DATA and self[number].facts.get(_LUT_DESCRIPTOR) == 1:
            return "US"
        if encoding.is_implicit_vr or tag not in _BY_BITS:
            return "OW"  # PS3.5 A.1
        # It came as UN in Explicit VR. PS3.5 A.2.
        return "OW" if self[number].facts.get(_BY_BITS[tag], 16) > 8 else "OB"


def _scopes(events: Iterable[Event], data: memoryview) -> list[Scope]:
    scope = Scope(None)
    scopes = [scope]
    for kind, tag, _, start, end, element_encoding in events:
        if kind is Kind.ELEMENT:
            if tag in _FACTS and end - start >= 2:
                scope.facts[tag] = int.from_bytes(data[start : start + 2], element_encoding.byte_order)
        elif kind is Kind.ITEM:
            scope = Scope(scope)
            scopes.append(scope)
        elif kind is Kind.ITEM_END:
            assert scope.parent is not None
            scope = scope.parent
    return scopes
