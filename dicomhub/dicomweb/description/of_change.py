"""Store and delete, described. PS3.18 10.5."""

from typing import Any

from dicomhub.dicomweb.description.dicom_json import DATA_SET
from dicomhub.dicomweb.description.operation import Operation, Representation
from dicomhub.dicomweb.description.parameters import NEGOTIATION
from dicomhub.dicomweb.description.route import Route
from dicomhub.dicomweb.http.negotiation import DICOM_JSON, JSON
from dicomhub.dicomweb.store.body_format import SUPPORTED
from dicomhub.dicomweb.store.views import OFFERS

_DELETION: dict[str, Any] = {
    "type": "object",
    "properties": {
        "deletion": {"type": "string", "description": "By which it can be undone."},
        "instances": {"type": "integer"},
        "bytes": {"type": "integer"},
        "kept_for_days": {"type": "integer"},
    },
    "required": ["deletion", "instances", "bytes", "kept_for_days"],
}


def store(route: Route) -> Operation:
    return Operation(
        transaction=f"Store {'Study ' if route.level else ''}Instances",
        section="10.5",
        description=(
            "Instances into the archive. The answer says of each what became of it, in the DICOM JSON or the "
            "Native DICOM Model (table 10.5.3-2)."
        ),
        gives=tuple(
            Representation(offer.media_type, DATA_SET if offer.media_type in (DICOM_JSON, JSON) else None)
            for offer in OFFERS
        ),
        takes=_taken(),
        parameters=NEGOTIATION,
        successes=(200, 202, 409),
        failures=(408, 413, 415, 503),
    )


def _taken() -> tuple[Representation, ...]:
    options: dict[str, list[str]] = {}
    for text in SUPPORTED:
        options.setdefault(text.split(";", 1)[0], []).append(text)
    return tuple(Representation(media_type, options=tuple(texts)) for media_type, texts in options.items())


def delete(route: Route) -> Operation:
    return Operation(
        transaction=f"Delete {route.level.capitalize()}",
        section="",
        description="Out of the archive. It is kept for a while, and is answered 410 from then on.",
        gives=(Representation(JSON, _DELETION),),
        failures=(410,),
    )
