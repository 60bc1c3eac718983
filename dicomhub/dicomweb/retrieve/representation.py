"""In which transfer syntaxes an archived instance can be had on the web. PS3.18 8.7.3.

Everything can be had in Explicit VR Little Endian, and what is stored encapsulated also as it is stored and
in the lossless transfer syntaxes that there are encoders for. Implicit VR and big endian are kept in the
store but shall not travel.
"""

from collections.abc import Sequence
from functools import lru_cache

from dicomhub.dicomweb.http.negotiation import DICOM, MULTIPART, ZIP, Offer
from dicomhub.standard.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN, TRANSFER_SYNTAXES
from tasks.transcode.settings import JPEG_2000_LOSSLESS, JPEG_LS_LOSSLESS, RLE_LOSSLESS

_PROCESSES_OF_LOSSY_JPEG = (*range(50, 57), *range(59, 65))
_VIDEO = range(100, 109)
# Lossy by definition. JPEG 2000 (.91) and HTJ2K (.203) may be either, so they are not in this list.
_LOSSY = {
    f"1.2.840.10008.1.2.4.{number}{suffix}"
    for number in (*_PROCESSES_OF_LOSSY_JPEG, 81, *_VIDEO)
    for suffix in ("", ".1")
}


RENDITIONS = (EXPLICIT_VR_LITTLE_ENDIAN, JPEG_LS_LOSSLESS, JPEG_2000_LOSSLESS, RLE_LOSSLESS)


@lru_cache(maxsize=256)
def offered_transfer_syntaxes(stored_uid: str, *, is_decodable: bool) -> tuple[str, ...]:
    """UIDs, the one that comes nearest to the stored data set first. is_decodable: there is a decoder."""
    stored = TRANSFER_SYNTAXES.get(stored_uid)
    if stored is None or (stored.is_encapsulated and not is_decodable):
        return (stored_uid,)
    if stored.is_encapsulated:
        return tuple(dict.fromkeys((stored_uid, *RENDITIONS)))
    if stored.may_travel_on_the_web and stored_uid != EXPLICIT_VR_LITTLE_ENDIAN:
        return (stored_uid, EXPLICIT_VR_LITTLE_ENDIAN)
    return (EXPLICIT_VR_LITTLE_ENDIAN,)


def needs_decoder(stored_uid: str, wanted_uid: str) -> bool:
    """Whether wanted_uid, one that is offered, takes more than to encode the data set's elements anew."""
    stored = TRANSFER_SYNTAXES.get(stored_uid)
    return stored is not None and stored.is_encapsulated and stored_uid != wanted_uid


@lru_cache(maxsize=256)
def dicom_offers(stored_uid: str, *, single_part: bool, is_decodable: bool) -> Sequence[Offer]:
    """The ways to have one instance.

    single_part: it is asked for alone, and can be had without a multipart around it; else there is a ZIP of
    all that is asked for.
    """
    syntaxes = offered_transfer_syntaxes(stored_uid, is_decodable=is_decodable)
    containers = ((MULTIPART, DICOM), (DICOM, None)) if single_part else ((MULTIPART, DICOM),)
    offers = tuple(
        Offer(
            media_type=media_type,
            part_type=part_type,
            transfer_syntax_uid=uid,
            is_default=_is_default(uid),
            is_as_stored=uid == syntaxes[0],
        )
        for media_type, part_type in containers
        for uid in syntaxes
    )
    return offers if single_part else (*offers, *_zip_offers(stored_uid, syntaxes))


def _zip_offers(stored_uid: str, syntaxes: Sequence[str]) -> Sequence[Offer]:
    """In a ZIP an instance is a file as on a disc: as it is stored, whatever that is."""
    return tuple(
        Offer(
            media_type=ZIP,
            transfer_syntax_uid=uid,
            is_default=uid == stored_uid,
            is_as_stored=uid == stored_uid,
            is_only_by_name=True,
        )
        for uid in dict.fromkeys((stored_uid, *syntaxes))
    )


def _is_default(uid: str) -> bool:
    """Explicit VR Little Endian, unless only a lossy form is at hand: then that one. PS3.18 8.7.3."""
    return uid == EXPLICIT_VR_LITTLE_ENDIAN or is_lossy(uid)


def is_lossy(uid: str) -> bool:
    """Whether a transfer syntax is lossy by definition."""
    return uid in _LOSSY
