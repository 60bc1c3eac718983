"""Values by the path that a BulkDataURI names. PS3.18 F.2.6, 10.4.3.3."""

from itertools import islice
from typing import Final

from dicomhub.standard.ambiguous_vr import Scopes
from dicomhub.standard.byte_order import swap_unit_bytes, swapped
from dicomhub.standard.data_set_walk import Event, Kind, walk
from dicomhub.standard.element import Encoding, encoding_of
from dicomhub.standard.inflate import inflated
from dicomhub.standard.item import fragments
from dicomhub.standard.nesting import Nesting
from dicomhub.standard.transfer_syntax import TransferSyntax

_VALUES: Final = (Kind.ELEMENT, Kind.FRAGMENTS)


def bulk_data(data: bytes | memoryview, syntax: TransferSyntax, path: str) -> memoryview | bytes:
    """The value at a path, whole. As bulk_data_pieces, which see."""
    pieces = bulk_data_pieces(data, syntax, path)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def bulk_data_pieces(
    data: bytes | memoryview, syntax: TransferSyntax, path: str
) -> list[memoryview] | list[bytes]:
    """The value at a path, in little endian; of an encapsulated one its fragments, each a view of the data.

    A path is "7FE00010" or, in sequences, "54000100/0/54001010": tag, item from 0, tag. Raises KeyError when
    there is no such value, and DataSetMalformed.
    """
    data_set = inflated(data, syntax)
    encoding = encoding_of(data_set, syntax)
    event, scope = _located(data_set, encoding, path)
    kind, tag, vr, start, end, element_encoding = event
    if kind is Kind.FRAGMENTS:
        # The first item is the Basic Offset Table.
        return list(islice(fragments(data_set, start, end, element_encoding), 1, None))
    if element_encoding.is_little_endian:
        return [data_set[start:end]]
    bits_allocated = Scopes(data_set, encoding)[scope].bits_allocated
    return [swapped(data_set[start:end], swap_unit_bytes(tag, vr, bits_allocated))]


def _located(data_set: memoryview, encoding: Encoding, path: str) -> tuple[Event, int]:
    prefix, name = path[:-8], path[-8:]
    try:
        wanted = int(name, 16)
    except ValueError:
        raise KeyError(path) from None
    nesting = Nesting()
    for event in walk(data_set, encoding):
        if event[0] not in _VALUES:
            nesting.follow(event[0], event[1])
        elif event[1] == wanted and nesting.prefix == prefix:
            return event, nesting.scope
    raise KeyError(path)
