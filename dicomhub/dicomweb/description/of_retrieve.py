"""The retrieves, described. PS3.18 10.4."""

from dicomhub.dicomweb.description.dicom_json import DATA_SETS
from dicomhub.dicomweb.description.operation import Operation, Representation, of_offers
from dicomhub.dicomweb.description.parameters import CHARSET, CONDITIONS, NEGOTIATION, RANGES
from dicomhub.dicomweb.description.route import Route
from dicomhub.dicomweb.http.negotiation import DICOM, DICOM_XML, MULTIPART, OCTET_STREAM, ZIP, Offer
from dicomhub.dicomweb.retrieve import metadata as metadata_room
from dicomhub.dicomweb.retrieve.pixel_media_types import media_type_of
from dicomhub.dicomweb.retrieve.representation import RENDITIONS
from dicomhub.standard.transfer_syntax import TRANSFER_SYNTAXES


def _options(text: str) -> tuple[str, ...]:
    """The default, as stored, and what is encoded anew where it is stored compressed."""
    return (text, *(f"{text}; transfer-syntax={uid}" for uid in ("*", *RENDITIONS)))


def retrieve(route: Route) -> Operation:
    is_one = route.level == "instance"
    other = Representation(DICOM, options=_options(DICOM)) if is_one else Representation(ZIP)
    return Operation(
        transaction=f"Retrieve {route.level.capitalize()}",
        section="10.4.1.1.1",
        description="DICOM files, as they are stored or in another transfer syntax; as a ZIP for people.",
        gives=(Representation(MULTIPART, options=_options(f'{MULTIPART}; type="{DICOM}"')), other),
        parameters=(*NEGOTIATION, *CONDITIONS, *(RANGES if is_one else ())),
        successes=(200, 206, 304),
        failures=(410, 412, 416, 429),
    )


def metadata(route: Route) -> Operation:
    xml = Representation(MULTIPART, options=(f'{MULTIPART}; type="{DICOM_XML}"',))
    single = (Representation(DICOM_XML),) if route.level == "instance" else ()
    return Operation(
        transaction=f"Retrieve {route.level.capitalize()} Metadata",
        section="10.4.1.1.2",
        description="All attributes, the large ones as BulkDataURIs.",
        gives=(*of_offers(*metadata_room.OFFERS, schema=DATA_SETS), xml, *single),
        parameters=(*NEGOTIATION, *CHARSET, *CONDITIONS),
        successes=(200, 304),
        failures=(410, 412),
    )


def frames(_route: Route) -> Operation:
    return Operation(
        transaction="Retrieve Frames",
        section="10.4.1.1.6",
        description="Frames by their numbers, in that order: bytes of pixels, or as they are compressed.",
        gives=of_offers(*_FRAME_OFFERS),
        parameters=(*NEGOTIATION, *CONDITIONS, *RANGES),
        successes=(200, 206, 304),
        failures=(410, 412, 416),
    )


def _frame_offers() -> tuple[Offer, ...]:
    """In any media type that an instance may be stored in, in parts or, one frame, alone."""
    found = dict.fromkeys((OCTET_STREAM, *map(media_type_of, TRANSFER_SYNTAXES)))
    parts = (Offer(media_type=MULTIPART, part_type=media_type) for media_type in found)
    return (*parts, *(Offer(media_type=media_type) for media_type in found))


_FRAME_OFFERS = _frame_offers()


def bulk_data(_route: Route) -> Operation:
    return Operation(
        transaction="Retrieve Bulkdata",
        section="10.4.1.1.5",
        description="A value that metadata names by a BulkDataURI; its path is in that URI.",
        gives=of_offers(Offer(media_type=MULTIPART, part_type=OCTET_STREAM), Offer(media_type=OCTET_STREAM)),
        parameters=(*NEGOTIATION, *CONDITIONS, *RANGES),
        successes=(200, 206, 304),
        failures=(410, 412, 416),
    )
