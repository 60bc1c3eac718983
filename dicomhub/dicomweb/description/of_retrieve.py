"""Instances and their metadata, described. PS3.18 10.4."""

from dicomhub.dicomweb.description.dicom_json import DATA_SETS
from dicomhub.dicomweb.description.operation import Operation, Representation, of_offers
from dicomhub.dicomweb.description.parameters import CHARSET, CONDITIONS, NEGOTIATION, RANGES
from dicomhub.dicomweb.description.route import Route
from dicomhub.dicomweb.http.negotiation import DICOM, DICOM_XML, MULTIPART, ZIP
from dicomhub.dicomweb.retrieve import metadata as metadata_room
from dicomhub.dicomweb.retrieve.representation import RENDITIONS


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
    xml = of_offers(metadata_room.XML_OFFER)
    single = (Representation(DICOM_XML),) if route.level == "instance" else ()
    return Operation(
        transaction=f"Retrieve {route.level.capitalize()} Metadata",
        section="10.4.1.1.2",
        description="All attributes, the large ones as BulkDataURIs.",
        gives=(*of_offers(*metadata_room.OFFERS, schema=DATA_SETS), *xml, *single),
        parameters=(*NEGOTIATION, *CHARSET, *CONDITIONS),
        successes=(200, 304),
        failures=(410, 412),
    )
