"""The retrieves, described. PS3.18 10.4."""

from dicomhub.dicomweb.description.dicom_json import DATA_SETS
from dicomhub.dicomweb.description.operation import Operation, Representation, of_offers
from dicomhub.dicomweb.description.parameters import NEGOTIATION
from dicomhub.dicomweb.description.route import Route
from dicomhub.dicomweb.http.negotiation import DICOM, MULTIPART, OCTET_STREAM
from dicomhub.dicomweb.retrieve import metadata as metadata_room
from dicomhub.dicomweb.retrieve.representation import RENDITIONS


def _options(text: str) -> tuple[str, ...]:
    """The default, as stored, and what is encoded anew where it is stored compressed."""
    return (text, *(f"{text}; transfer-syntax={uid}" for uid in ("*", *RENDITIONS)))


def retrieve(route: Route) -> Operation:
    multipart = Representation(MULTIPART, options=_options(f'{MULTIPART}; type="{DICOM}"'))
    single = (Representation(DICOM, options=_options(DICOM)),) if route.level == "instance" else ()
    return Operation(
        transaction=f"Retrieve {route.level.capitalize()}",
        section="10.4.1.1.1",
        description="DICOM files, as they are stored or in another transfer syntax.",
        gives=(multipart, *single),
        parameters=NEGOTIATION,
        successes=(200, 206),
        failures=(400, 404, 406, 503),
    )


def metadata(route: Route) -> Operation:
    return Operation(
        transaction=f"Retrieve {route.level.capitalize()} Metadata",
        section="10.4.1.1.2",
        description="All attributes, the large ones as BulkDataURIs.",
        gives=of_offers(*metadata_room.OFFERS, schema=DATA_SETS),
        parameters=NEGOTIATION,
    )


def bulk_data(_route: Route) -> Operation:
    return Operation(
        transaction="Retrieve Bulkdata",
        section="10.4.1.1.5",
        description="A value that metadata names by a BulkDataURI; its path is in that URI.",
        gives=(
            Representation(MULTIPART, options=(f'{MULTIPART}; type="{OCTET_STREAM}"',)),
            Representation(OCTET_STREAM),
        ),
        parameters=NEGOTIATION,
    )
