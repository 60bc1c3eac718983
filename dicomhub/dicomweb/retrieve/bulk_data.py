"""Bulk data: the values that metadata leaves out and gives a BulkDataURI instead. PS3.18 10.4.1.1.5."""

import mmap
import re
from collections.abc import Iterator
from dataclasses import dataclass

from dicomhub.dicomweb.http import multipart
from dicomhub.dicomweb.http.negotiation import MULTIPART, OCTET_STREAM, Acceptable, Offer
from dicomhub.dicomweb.resource import NothingThere, Resource
from dicomhub.dicomweb.retrieve.archived import instance_file_path
from dicomhub.dicomweb.retrieve.content import blocks, map_file
from dicomhub.dicomweb.retrieve.instances import Body
from dicomhub.standard.bulk_data import bulk_data_pieces
from dicomhub.standard.element import DataSetMalformed
from dicomhub.standard.part10 import HEADER_MAX_BYTES, read_file_meta
from dicomhub.standard.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN, transfer_syntax
from dicomhub.storage.filesystem import FilesystemStore

SEGMENT = "bulkdata"
_PIXEL_DATA = "7FE00010"
_PATH = re.compile(r"(?:[0-9A-F]{8}/[0-9]{1,9}/)*[0-9A-F]{8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class BulkValue:
    """A value of an archived instance, in pieces that lie in its pages as long as nothing is swapped."""

    pieces: list[memoryview] | list[bytes]
    pages: mmap.mmap
    transfer_syntax_uid: str

    @property
    def size_bytes(self) -> int:
        return sum(map(len, self.pieces))

    def chunks(self) -> Iterator[bytes]:
        return blocks(self.pieces, mapping=self.pages)


def find(store: FilesystemStore, resource: Resource, path: str) -> BulkValue:
    """The value that path names, as "7FE00010" or "00540016/0/00181076". Raises NothingThere."""
    if _PATH.fullmatch(path) is None:
        raise NothingThere("bulk data")
    try:
        pages = map_file(store.absolute(instance_file_path(resource)))
    except FileNotFoundError:
        raise NothingThere("instance") from None
    view = memoryview(pages)
    meta = read_file_meta(view[:HEADER_MAX_BYTES])
    syntax = transfer_syntax(meta.transfer_syntax_uid)
    try:
        pieces = bulk_data_pieces(view[meta.data_set_offset :], syntax, path)
    except (KeyError, DataSetMalformed):
        raise NothingThere("bulk data") from None
    is_encapsulated = syntax.is_encapsulated and path == _PIXEL_DATA
    return BulkValue(pieces, pages, syntax.uid if is_encapsulated else EXPLICIT_VR_LITTLE_ENDIAN)


def body_of(found: BulkValue, acceptable: Acceptable, *, location: str) -> Body:
    """Raises NotAcceptable. Compressed pixel data are their fragments' bytes, one behind the other."""
    offers = tuple(
        Offer(media_type=media_type, part_type=part_type, transfer_syntax_uid=found.transfer_syntax_uid)
        for media_type, part_type in ((MULTIPART, OCTET_STREAM), (OCTET_STREAM, None))
    )
    offer = acceptable.choose(offers)
    content_type = f"{OCTET_STREAM}; transfer-syntax={found.transfer_syntax_uid}"
    if offer.media_type != MULTIPART:
        return Body(content_type, found.size_bytes, found.chunks())
    head = multipart.PartHead(content_type, location)
    boundary = multipart.new_boundary()
    return Body(
        content_type=multipart.content_type(part_type=OCTET_STREAM, boundary=boundary),
        length_bytes=multipart.encoded_length([(head, found.size_bytes)], boundary),
        chunks=multipart.encode([(head, found.chunks())], boundary),
    )
