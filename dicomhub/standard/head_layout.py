"""Where the elements of a head lie, remembered from the data set before.

The instances of a series differ in their values, and seldom in the headers of their elements. The same
headers at the same places are the same walk over them, so that one comparison stands for all of its steps.
"""

from collections.abc import Iterable, Mapping
from struct import Struct


class HeadLayout:
    """The layout of one data set's head."""

    __slots__ = ("_headers", "_places", "_struct")

    def __init__(
        self, data: memoryview, headers: Iterable[tuple[int, int]], places: Mapping[int, slice]
    ) -> None:
        """Remember a head by the ends, in ascending order, of all that says where a next element begins.

        places are those of the values wanted, by tag; the last of them ends the head.
        """
        pieces = ["="]
        offset = 0
        for start, stop in headers:
            pieces.append(f"{start - offset}x{stop - start}s")
            offset = stop
        end_of_head = max(place.stop for place in places.values())
        pieces.append(f"{end_of_head - offset}x")
        self._struct = Struct("".join(pieces))
        self._headers = self._struct.unpack_from(data)
        self._places = dict(places)

    def values(self, data: memoryview) -> dict[int, bytes] | None:
        """The values wanted of another data set, by tag; None when it is laid out otherwise."""
        if len(data) < self._struct.size or self._struct.unpack_from(data) != self._headers:
            return None
        return {tag: bytes(data[place]) for tag, place in self._places.items()}
