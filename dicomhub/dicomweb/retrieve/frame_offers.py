"""In which media types and transfer syntaxes the frames of an instance can be had. PS3.18 8.7.3.3.

Native bytes of everything that can be decoded, what is stored as it is stored, and codestreams in the
lossless syntaxes that there are encoders for.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from dicomhub.dicomweb.http.negotiation import MULTIPART, OCTET_STREAM, Acceptable, Offer
from dicomhub.dicomweb.retrieve.archived import ArchivedInstance
from dicomhub.dicomweb.retrieve.coded_frames import rendition_at_hand
from dicomhub.dicomweb.retrieve.pixel_media_types import media_type_of
from dicomhub.dicomweb.retrieve.renditions import Renditions
from dicomhub.dicomweb.retrieve.representation import is_lossy
from dicomhub.standard.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN
from tasks.transcode.pixel_description import PixelDescription
from tasks.transcode.pixel_element import PIXEL_DATA
from tasks.transcode.plan import why_not
from tasks.transcode.settings import JPEG_2000_LOSSLESS, JPEG_LS_LOSSLESS, RLE_LOSSLESS
from tasks.transcode.source import Source

_ENCODED: Final = (JPEG_LS_LOSSLESS, JPEG_2000_LOSSLESS, RLE_LOSSLESS)
# No codestream that is made here is subsampled or in planes. Metadata that say so would mislead its reader.
_NOT_SUBSAMPLED: Final = frozenset(
    ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB", "YBR_FULL", "YBR_RCT", "YBR_ICT")
)


def offers_for(
    instance: ArchivedInstance,
    source: Source,
    acceptable: Acceptable,
    renditions: Renditions,
    *,
    single_part: bool,
) -> tuple[Offer, ...]:
    """Which decoders there are is asked only when one is needed: codec processes are started for that.

    source is the instance's file, opened.

    single_part: also without a multipart around it. Raises CodecUnavailable.
    """
    offers = frame_offers(source, single_part=single_part, is_decodable=True)
    choice = acceptable.choice(offers)
    if choice is not None and (
        not needs_codec(source, choice)
        or rendition_at_hand(renditions, instance, source, choice.transfer_syntax_uid or "") is not None
    ):
        return offers
    if renditions.can_decode(source.syntax.uid):
        return offers
    return frame_offers(source, single_part=single_part, is_decodable=False)


def frame_offers(source: Source, *, single_part: bool, is_decodable: bool) -> tuple[Offer, ...]:
    """Best first; single_part: also without a multipart around it. is_decodable: there is a decoder."""
    bare = tuple(_offers(source, is_decodable=is_decodable))
    parts = tuple(replace(offer, media_type=MULTIPART, part_type=offer.media_type) for offer in bare)
    return parts + bare if single_part else parts


def needs_codec(source: Source, offer: Offer) -> bool:
    """Whether a frame takes more than its stored bytes, in little endian."""
    is_native = not source.syntax.is_encapsulated and offer.transfer_syntax_uid == EXPLICIT_VR_LITTLE_ENDIAN
    return not is_native and offer.transfer_syntax_uid != source.syntax.uid


def _offers(source: Source, *, is_decodable: bool) -> Iterator[Offer]:
    """An offer that is_default is what its media type means when no transfer syntax is said.

    That is the stored one, where it is of this type: nothing is compressed anew that need not be.
    """
    stored = source.syntax
    native = Offer(
        media_type=OCTET_STREAM,
        transfer_syntax_uid=EXPLICIT_VR_LITTLE_ENDIAN,
        is_as_stored=not stored.is_encapsulated,
    )
    has_native = is_decodable or not stored.is_encapsulated
    if has_native and not is_lossy(stored.uid):
        yield native
    if stored.is_encapsulated:
        yield from _as_stored(stored.uid, is_native_at_hand=has_native)
    if has_native and is_lossy(stored.uid):
        yield native
    if is_decodable and source.element.tag == PIXEL_DATA:
        for uid in _encodable(source.pixels, but=stored.uid):
            is_default = media_type_of(uid) != media_type_of(stored.uid)
            yield Offer(
                media_type=media_type_of(uid),
                transfer_syntax_uid=uid,
                is_default=is_default,
                is_as_stored=False,
            )


def _as_stored(uid: str, *, is_native_at_hand: bool) -> Iterator[Offer]:
    """By its own media type, and as plain bytes: many clients ask for these, and for any transfer syntax."""
    if media_type_of(uid) != OCTET_STREAM:
        yield Offer(media_type=media_type_of(uid), transfer_syntax_uid=uid)
    yield Offer(media_type=OCTET_STREAM, transfer_syntax_uid=uid, is_default=not is_native_at_hand)


def _encodable(pixels: PixelDescription, *, but: str) -> Sequence[str]:
    is_by_plane = pixels.samples_per_pixel > 1 and pixels.planar_configuration == 1
    if is_by_plane or pixels.photometric_interpretation not in _NOT_SUBSAMPLED:
        return ()
    one = replace(pixels, number_of_frames=1)
    return [uid for uid in _ENCODED if uid != but and why_not(one, uid) is None]
