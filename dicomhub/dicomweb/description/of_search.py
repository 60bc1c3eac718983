"""The searches, described. PS3.18 10.6."""

from dicomhub.dicomweb.description.dicom_json import DATA_SETS
from dicomhub.dicomweb.description.operation import Operation, of_offers
from dicomhub.dicomweb.description.parameters import CHARSET, NEGOTIATION, search_parameters
from dicomhub.dicomweb.description.route import Route
from dicomhub.dicomweb.retrieve import metadata


def search(route: Route) -> Operation:
    of = f"{route.level.capitalize()} " if route.level else ""
    return Operation(
        transaction=f"Search for {of}{route.last_word.capitalize()}",
        section="10.6",
        description=(
            "Attributes are named by keyword, by tag, or by a path into a sequence with dots. Any standard "
            "attribute but bytes and whole sequences is a key, at every level. More results than are "
            "returned are announced by a Warning header."
        ),
        gives=(*of_offers(*metadata.OFFERS, schema=DATA_SETS), *of_offers(metadata.XML_OFFER)),
        parameters=(*NEGOTIATION, *CHARSET, *search_parameters(route.last_word)),
        successes=(200, 204),
        failures=(410, 413),
    )
