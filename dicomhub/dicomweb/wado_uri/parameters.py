"""The query of a WADO-URI request: which object, in which form. PS3.18 9.1.2, 9.4.1.2, 9.5.1.2.

Parameters that are not known are ignored; what is known and cannot be done is refused, so that nobody takes
what comes for what was asked for.
"""

from dataclasses import dataclass
from typing import Final

from dicomhub.dicomweb.http.accept import ANYTHING, AcceptMalformed, parse_media_ranges
from dicomhub.dicomweb.http.negotiation import DICOM, Acceptable
from dicomhub.dicomweb.rendered.parameters import (
    MAX_SIDE,
    Query,
    RenderingParameterInvalid,
    annotations,
    decimal,
    integer,
    only_value,
    quality,
    window,
)
from dicomhub.dicomweb.resource import Resource
from dicomhub.standard.uid import checked_uid
from tasks.transcode.picture_order import Look, Region, Viewport, Window

_FRAMES_MAX: Final = 999_999_999
_PRESENTATION: Final = ("presentationUID", "presentationSeriesUID")


@dataclass(frozen=True, slots=True, kw_only=True)
class WadoRequest:
    """acceptable are the media types; as_dicom what is acceptable when it is application/dicom.

    frame_number is None where the request names none.
    """

    resource: Resource
    acceptable: Acceptable
    as_dicom: Acceptable
    frame_number: int | None
    look: Look


def wado_request(query: Query, *, tenant: str, accept_header: str) -> WadoRequest:
    """Raises RenderingParameterInvalid, UidInvalid."""
    if _required(query, "requestType") != "WADO":
        raise RenderingParameterInvalid("requestType", "it is WADO")
    resource = Resource(
        tenant=tenant,
        study_instance_uid=_required(query, "studyUID"),
        series_instance_uid=_required(query, "seriesUID"),
        sop_instance_uid=_required(query, "objectUID"),
    )
    if only_value(query, "anonymize") not in (None, "no"):
        raise RenderingParameterInvalid("anonymize", "nothing is anonymized here, so nothing is sent")
    for name in _PRESENTATION:
        if only_value(query, name) is not None:
            raise RenderingParameterInvalid(name, "presentation states are not applied")
    frame_number = only_value(query, "frameNumber")
    return WadoRequest(
        resource=resource,
        acceptable=_acceptable(only_value(query, "contentType"), accept_header),
        as_dicom=_as_dicom(only_value(query, "transferSyntax")),
        frame_number=None
        if frame_number is None
        else integer("frameNumber", frame_number, least=1, most=_FRAMES_MAX),
        look=Look(
            window=_window(query),
            viewport=_viewport(query),
            quality=quality("imageQuality", only_value(query, "imageQuality")),
            annotations=annotations(query),
        ),
    )


def _required(query: Query, name: str) -> str:
    value = only_value(query, name)
    if value is None:
        raise RenderingParameterInvalid(name, "it is required")
    return value


def _acceptable(content_type: str | None, header: str) -> Acceptable:
    """What contentType says; only where there is none, the Accept header. PS3.18 9.1.2.2.1."""
    if content_type is None:
        return Acceptable.parse(parameter="", header=header)
    try:
        ranges = parse_media_ranges(content_type, "contentType") or ANYTHING
    except AcceptMalformed as error:
        raise RenderingParameterInvalid("contentType", "it is a list of media types") from error
    return Acceptable(by_parameter=(), by_header=ranges)


def _as_dicom(transfer_syntax: str | None) -> Acceptable:
    """One UID, or *: as stored. PS3.18 8.7.3.6, 9.4.2.4."""
    if transfer_syntax is None:
        return Acceptable.parse(parameter="", header=DICOM)
    is_as_stored = transfer_syntax == "*"
    uid = transfer_syntax if is_as_stored else checked_uid("transferSyntax", transfer_syntax)
    return Acceptable.parse(parameter="", header=f"{DICOM}; transfer-syntax={uid}")


def _window(query: Query) -> Window | None:
    center, width = only_value(query, "windowCenter"), only_value(query, "windowWidth")
    if center is None and width is None:
        return None
    if center is None or width is None:
        raise RenderingParameterInvalid("windowCenter", "windowCenter and windowWidth go together")
    return window("windowWidth", center, width)


def _viewport(query: Query) -> Viewport:
    """Rows and columns are bounds, each by itself too. PS3.18 9.5.1.2.4."""
    columns, rows = only_value(query, "columns"), only_value(query, "rows")
    return Viewport(
        columns=None if columns is None else integer("columns", columns, least=1, most=MAX_SIDE),
        rows=None if rows is None else integer("rows", rows, least=1, most=MAX_SIDE),
        region=_region(only_value(query, "region")),
    )


def _region(text: str | None) -> Region | None:
    """Left, top, right and bottom, in shares of the image. PS3.18 9.5.1.2.5."""
    if text is None:
        return None
    edges = [decimal("region", part.strip()) for part in text.split(",")]
    if len(edges) != 4 or not 0 <= edges[0] < edges[2] <= 1 or not 0 <= edges[1] < edges[3] <= 1:
        raise RenderingParameterInvalid("region", "it is left,top,right,bottom, each from 0 to 1")
    left, top, right, bottom = edges
    return Region(left=left, top=top, width=right - left, height=bottom - top, is_relative=True)
