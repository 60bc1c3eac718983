"""Bulk data: the values that metadata leaves out and gives a BulkDataURI instead. PS3.18 10.4.1.1.5."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dicomhub.dicomweb.http.negotiation import MULTIPART, OCTET_STREAM, Acceptable, Offer
from dicomhub.dicomweb.resource import NothingThere
from dicomhub.dicomweb.retrieve.archived import ArchivedInstance
from dicomhub.dicomweb.retrieve.bulk_value import BulkValue
from dicomhub.dicomweb.retrieve.content import map_file
from dicomhub.dicomweb.retrieve.frame_bytes import FrameBytes, MappedFrame
from dicomhub.dicomweb.retrieve.pixel_value import encapsulated_pixels
from dicomhub.dicomweb.retrieve.renditions import Renditions
from dicomhub.standard.bulk_data import bulk_data, bulk_data_pieces
from dicomhub.standard.element import DataSetMalformed
from dicomhub.standard.part10 import HEADER_MAX_BYTES, read_file_meta
from dicomhub.standard.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN, TransferSyntax, transfer_syntax

SEGMENT = "bulkdata"
PIXEL_PATHS: Final = frozenset(("7FE00010", "7FE00008", "7FE00009"))
_PIXEL_DATA: Final = "7FE00010"
_ENCAPSULATED_DOCUMENT: Final = "00420011"
_MIME_TYPE_OF_ENCAPSULATED_DOCUMENT: Final = "00420012"
_PDF: Final = "application/pdf"
_PATH: Final = re.compile(r"(?:[0-9A-F]{8}/[0-9]{1,9}/)*[0-9A-F]{8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class PlainValue:
    """A value as it lies in its file, in little endian; a document can be had by its own media type too."""

    stored: MappedFrame
    transfer_syntax_uid: str
    media_type: str = OCTET_STREAM

    def offers(
        self, _acceptable: Acceptable, _renditions: Renditions, *, single_part: bool
    ) -> Sequence[Offer]:
        bare = [Offer(media_type=OCTET_STREAM, transfer_syntax_uid=self.transfer_syntax_uid)]
        if self.media_type != OCTET_STREAM:
            bare.append(Offer(media_type=self.media_type))
        parts = [
            Offer(media_type=MULTIPART, part_type=one.media_type, transfer_syntax_uid=one.transfer_syntax_uid)
            for one in bare
        ]
        return parts + bare if single_part else parts

    def in_file(self, offer: Offer) -> MappedFrame | None:
        return None if offer.media_type == MULTIPART else self.stored

    def parts(self, _offer: Offer, _renditions: Renditions) -> Sequence[FrameBytes]:
        return (self.stored,)


def find(instance: ArchivedInstance, path: str) -> BulkValue:
    """The value that path names, as "7FE00010" or "00540016/0/00181076". Raises NothingThere."""
    if _PATH.fullmatch(path) is None:
        raise NothingThere("bulk data")
    try:
        pages = map_file(instance.path)
    except FileNotFoundError:
        raise NothingThere("instance") from None
    view = memoryview(pages)
    meta = read_file_meta(view[:HEADER_MAX_BYTES])
    syntax = transfer_syntax(meta.transfer_syntax_uid)
    is_encapsulated = syntax.is_encapsulated and path == _PIXEL_DATA
    if is_encapsulated and (pixels := encapsulated_pixels(instance)) is not None:
        return pixels
    data_set = view[meta.data_set_offset :]
    try:
        pieces = bulk_data_pieces(data_set, syntax, path)
    except (KeyError, DataSetMalformed):
        raise NothingThere("bulk data") from None
    return PlainValue(
        MappedFrame(pieces, pages),
        syntax.uid if is_encapsulated else EXPLICIT_VR_LITTLE_ENDIAN,
        _media_type(data_set, syntax, path),
    )


def _media_type(data_set: memoryview, syntax: TransferSyntax, path: str) -> str:
    """PDF alone of all types that documents say they have: others (HTML) would act in our name."""
    if path != _ENCAPSULATED_DOCUMENT:
        return OCTET_STREAM
    try:
        said = bytes(bulk_data(data_set, syntax, _MIME_TYPE_OF_ENCAPSULATED_DOCUMENT))
    except (KeyError, DataSetMalformed):
        return OCTET_STREAM
    return _PDF if said.strip(b"\0 ").lower() == _PDF.encode("ascii") else OCTET_STREAM
