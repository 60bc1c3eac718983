"""Pictures, described. PS3.18 9, 10.4.1.1.3, 10.4.1.1.4."""

from typing import Any

from dicomhub.dicomweb.description.operation import Operation, Parameter, of_offers
from dicomhub.dicomweb.description.parameters import CONDITIONS, NEGOTIATION
from dicomhub.dicomweb.description.route import Route
from dicomhub.dicomweb.http.negotiation import DICOM, Offer
from dicomhub.dicomweb.rendered.offers import ONE_IMAGE, PARTS, offers_of_stored
from dicomhub.dicomweb.rendered.subject import STORED_TYPES

_PERCENT: dict[str, Any] = {"type": "integer", "minimum": 1, "maximum": 100}
_UID: dict[str, Any] = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)*$", "maxLength": 64}
_VIEWPORT = Parameter("viewport", "query", "vw,vh or vw,vh,sx,sy,sw,sh. PS3.18 8.3.5.1.3.")
_LOOK = (
    _VIEWPORT,
    Parameter("window", "query", "center,width,function. PS3.18 8.3.5.1.4."),
    Parameter("quality", "query", "Of a JPEG. PS3.18 8.3.5.1.2.", _PERCENT),
    Parameter("annotation", "query", "patient, technique. PS3.18 8.3.5.1.1."),
    Parameter("iccprofile", "query", "Whether a profile is in the image. PS3.18 8.3.5.1.5."),
)
_WADO = (
    Parameter("requestType", "query", "WADO.", {"type": "string", "enum": ["WADO"]}),
    Parameter("studyUID", "query", "Of the object.", _UID),
    Parameter("seriesUID", "query", "Of the object.", _UID),
    Parameter("objectUID", "query", "Of the object.", _UID),
    Parameter("contentType", "query", "Media types that are acceptable. PS3.18 9.1.2.2.1."),
    Parameter("transferSyntax", "query", "Of a DICOM file. PS3.18 9.4.1.2.2.", _UID),
    Parameter("frameNumber", "query", "PS3.18 9.5.1.2.1."),
    Parameter("imageQuality", "query", "Of a JPEG. PS3.18 9.5.1.2.2.", _PERCENT),
    Parameter("annotation", "query", "patient, technique. PS3.18 9.5.1.2.3."),
    Parameter("rows", "query", "At most so many. PS3.18 9.5.1.2.4."),
    Parameter("columns", "query", "At most so many. PS3.18 9.5.1.2.4."),
    Parameter("region", "query", "left,top,right,bottom, each from 0 to 1. PS3.18 9.5.1.2.5."),
    Parameter("windowCenter", "query", "With windowWidth. PS3.18 9.5.1.2.6."),
    Parameter("windowWidth", "query", "With windowCenter. PS3.18 9.5.1.2.6."),
)
_STORED = tuple(offer for media_type in STORED_TYPES for offer in offers_of_stored(media_type))


def _name(route: Route) -> str:
    return "Frames" if "frames" in route.parameters else route.level.capitalize()


def rendered(route: Route) -> Operation:
    is_one = route.level == "instance"
    return Operation(
        transaction=f"Retrieve Rendered {_name(route)}",
        section="10.4.1.1.3",
        description="Pictures as a person looks at them; a document or a video as it is.",
        gives=of_offers(*((*ONE_IMAGE, *PARTS, *_STORED) if is_one else PARTS)),
        parameters=(*NEGOTIATION, *_LOOK, *CONDITIONS),
        successes=(200, 206, 304),
        failures=(410, 412, 429),
    )


def thumbnail(route: Route) -> Operation:
    return Operation(
        transaction=f"Retrieve {_name(route)} Thumbnail",
        section="10.4.1.1.4",
        description="One small image that stands for all of it.",
        gives=of_offers(*ONE_IMAGE),
        parameters=(*NEGOTIATION, _VIEWPORT, *CONDITIONS),
        successes=(200, 304),
        failures=(410, 412),
    )


def wado_uri(_route: Route) -> Operation:
    return Operation(
        transaction="Retrieve Instance by WADO-URI",
        section="9",
        description="One object: a picture of it, a document or a video as it is, or the DICOM file.",
        gives=of_offers(*ONE_IMAGE, Offer(media_type=DICOM), *_STORED),
        parameters=(*_WADO, *CONDITIONS),
        successes=(200, 206, 304),
        failures=(410, 412, 416, 429),
    )
