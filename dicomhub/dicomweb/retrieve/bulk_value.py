"""A value of bulk data, and its payload. PS3.18 8.6.1, 10.4.3.3.5."""

from collections.abc import Sequence
from itertools import chain
from typing import Protocol

from dicomhub.dicomweb.http import multipart
from dicomhub.dicomweb.http.negotiation import MULTIPART, Acceptable, Offer
from dicomhub.dicomweb.retrieve.frame_bytes import FrameBytes, MappedFrame
from dicomhub.dicomweb.retrieve.instances import Body
from dicomhub.dicomweb.retrieve.renditions import Renditions


class BulkValue(Protocol):
    def offers(self, acceptable: Acceptable, renditions: Renditions, *, single_part: bool) -> Sequence[Offer]:
        """The ways to have it, best first; single_part: also without a multipart around it."""
        ...

    def in_file(self, offer: Offer) -> MappedFrame | None:
        """What of the file is to be sent without a multipart; None where something has to be made first."""
        ...

    def parts(self, offer: Offer, renditions: Renditions) -> Sequence[FrameBytes]:
        """What there is to send: one without a multipart, else one or more.

        Raises NotAcceptable when it cannot be decoded after all, NoRoomToRender and CodecUnavailable.
        """
        ...


def content_type_of(offer: Offer) -> str:
    """Of each part."""
    media_type = offer.part_type or offer.media_type
    uid = offer.transfer_syntax_uid
    return media_type if uid is None else f"{media_type}; transfer-syntax={uid}"


def body_of(parts: Sequence[FrameBytes], offer: Offer, *, location: str) -> Body:
    """The payload of one value; of no parts, what HEAD tells of it."""
    content_type = content_type_of(offer)
    if offer.media_type != MULTIPART:
        return Body(
            content_type=content_type,
            length_bytes=sum(part.size_bytes for part in parts) if parts else None,
            chunks=chain.from_iterable(part.chunks() for part in parts),
        )
    head = multipart.PartHead(content_type, location)
    boundary = multipart.new_boundary()
    sizes = [(head, part.size_bytes) for part in parts]
    return Body(
        content_type=multipart.content_type(part_type=offer.part_type or "", boundary=boundary),
        length_bytes=multipart.encoded_length(sizes, boundary) if sizes else None,
        chunks=multipart.encode(((head, part.chunks()) for part in parts), boundary),
    )
