"""Where in a data set a walk is: the path of its elements, as BulkDataURIs name them."""

from functools import lru_cache

from dicomhub.standard.data_set_walk import Kind


@lru_cache(maxsize=16384)
def tag_name(tag: int) -> str:
    """8 hexadecimal digits, as in the DICOM JSON Model."""
    return f"{tag:08X}"


class Nesting:
    """Follows the events of a walk.

    prefix is what comes before the names of elements in the innermost item ("" outside of sequences, else
    "<tag>/<item>/" for each level, items counted from 0), scope the number of that item among all items of
    the walk (0 outside of sequences, else from 1).
    """

    __slots__ = ("_items", "_outer", "_sequences", "prefix", "scope")

    def __init__(self) -> None:
        self.prefix = ""
        self.scope = 0
        self._items = 0
        self._outer: list[tuple[str, int]] = []
        self._sequences: list[tuple[str, int]] = []

    def follow(self, kind: Kind, tag: int) -> None:
        """Take in any event but those of elements."""
        if kind is Kind.SEQUENCE:
            self._sequences.append((f"{self.prefix}{tag_name(tag)}/", 0))
        elif kind is Kind.SEQUENCE_END:
            self._sequences.pop()
        elif kind is Kind.ITEM:
            self._outer.append((self.prefix, self.scope))
            name, number = self._sequences[-1]
            self._sequences[-1] = (name, number + 1)
            self._items += 1
            self.prefix = f"{name}{number}/"
            self.scope = self._items
        elif kind is Kind.ITEM_END:
            self.prefix, self.scope = self._outer.pop()
