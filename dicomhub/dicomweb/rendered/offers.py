"""In which media types a picture can be had. PS3.18 8.7.4."""

from collections.abc import Sequence
from typing import Final

from dicomhub.dicomweb.http.negotiation import MULTIPART, Offer
from tasks.transcode.picture_order import GIF, JPEG, PNG

_IMAGES: Final = (JPEG, PNG, GIF)
# Each in a part of its own; as many as there are.
PARTS: Final = tuple(Offer(media_type=MULTIPART, part_type=each) for each in _IMAGES)
ONE_IMAGE: Final = tuple(Offer(media_type=each) for each in _IMAGES)


def offers_of_frames(count: int) -> Sequence[Offer]:
    """Best first. Several are one image only as an animation."""
    return (*ONE_IMAGE, *PARTS) if count == 1 else (*PARTS, Offer(media_type=GIF))


def offers_of_stored(media_type: str) -> Sequence[Offer]:
    return (Offer(media_type=media_type), Offer(media_type=MULTIPART, part_type=media_type))


def picture_type(offer: Offer) -> str:
    """The media type of the picture itself, in a multipart or not."""
    return offer.part_type or offer.media_type
