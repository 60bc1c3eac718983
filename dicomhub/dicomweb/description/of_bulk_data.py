"""Frames and bulk data, described. PS3.18 10.4."""

from collections.abc import Iterable, Iterator

from dicomhub.dicomweb.description.operation import Operation, of_offers
from dicomhub.dicomweb.description.parameters import CONDITIONS, NEGOTIATION, RANGES
from dicomhub.dicomweb.description.route import Route
from dicomhub.dicomweb.http.negotiation import MULTIPART, OCTET_STREAM, Offer
from dicomhub.dicomweb.rendered.subject import STORED_TYPES
from dicomhub.dicomweb.retrieve.bulk_data import SEGMENT
from dicomhub.dicomweb.retrieve.pixel_media_types import media_type_of
from dicomhub.standard.transfer_syntax import TRANSFER_SYNTAXES

_PIXEL_TYPES = tuple(dict.fromkeys((OCTET_STREAM, *map(media_type_of, TRANSFER_SYNTAXES))))
_VALUE_TYPES = tuple(dict.fromkeys((*_PIXEL_TYPES, *STORED_TYPES)))


def _in_parts(media_types: Iterable[str]) -> Iterator[Offer]:
    return (Offer(media_type=MULTIPART, part_type=media_type) for media_type in media_types)


def _alone(media_types: Iterable[str]) -> Iterator[Offer]:
    return (Offer(media_type=media_type) for media_type in media_types)


def frames(_route: Route) -> Operation:
    return Operation(
        transaction="Retrieve Frames",
        section="10.4.1.1.6",
        description="Frames by their numbers, in that order: bytes of pixels, or as they are compressed.",
        gives=of_offers(*_in_parts(_PIXEL_TYPES), *_alone(_PIXEL_TYPES)),
        parameters=(*NEGOTIATION, *CONDITIONS, *RANGES),
        successes=(200, 206, 304),
        failures=(410, 412, 416),
    )


def bulk_data(_route: Route) -> Operation:
    return Operation(
        transaction="Retrieve Bulkdata",
        section="10.4.1.1.5",
        description="A value that metadata names by a BulkDataURI; its path is in that URI.",
        gives=of_offers(*_in_parts(_VALUE_TYPES), *_alone(_VALUE_TYPES)),
        parameters=(*NEGOTIATION, *CONDITIONS, *RANGES),
        successes=(200, 206, 304),
        failures=(410, 412, 416),
    )


def all_bulk_data(route: Route) -> Operation:
    what = "Bulkdata" if route.last_word == SEGMENT else "Pixel Data"
    return Operation(
        transaction=f"Retrieve {route.level.capitalize()} {what}",
        section="10.4.1.1.5" if route.last_word == SEGMENT else "10.4.1.1.7",
        description="Every such value of it, a part each.",
        gives=of_offers(*_in_parts(_VALUE_TYPES)),
        parameters=NEGOTIATION,
        failures=(410, 429),
    )
