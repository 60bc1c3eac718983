"""What goes wrong, as HTTP: every failure of DICOMweb is answered with a JSON body, never with a page.

The body is {"error": what is wrong, "detail": which part of the request, "request_id": its name in our log};
a 406 has "available" too. The errors themselves stand beside what raises them and know nothing of this.
PS3.18 8.5.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import orjson
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.views import defaults
from rest_framework.exceptions import APIException, MethodNotAllowed

from dicomhub.archive.selectors import MatchInvalid, MatchUnsupported
from dicomhub.deletion.selectors import is_deleted
from dicomhub.dicomweb.auth.challenge import challenge
from dicomhub.dicomweb.auth.refusal import KeysUnavailable, NotAuthenticated, ScopeMissing
from dicomhub.dicomweb.http.accept import AcceptMalformed
from dicomhub.dicomweb.http.charset import CharsetNotAcceptable
from dicomhub.dicomweb.http.conditional import PreconditionFailed
from dicomhub.dicomweb.http.limits import TooManyRetrieves
from dicomhub.dicomweb.http.multipart_reader import MultipartMalformed
from dicomhub.dicomweb.http.negotiation import NotAcceptable
from dicomhub.dicomweb.http.ranges import RangeNotSatisfiable
from dicomhub.dicomweb.http.request_body import BodyBroken, BodyStalled, BodyTooLarge
from dicomhub.dicomweb.rendered.parameters import RenderingParameterInvalid
from dicomhub.dicomweb.rendered.subject import NoPicture
from dicomhub.dicomweb.resource import Gone, NothingThere
from dicomhub.dicomweb.retrieve.content import ArchivedFileChanged
from dicomhub.dicomweb.retrieve.frame_list import FrameListInvalid
from dicomhub.dicomweb.retrieve.renditions import NoRoomToRender
from dicomhub.dicomweb.search.query import QueryInvalid, TooManyUids
from dicomhub.dicomweb.search.question import WarehouseNeeded
from dicomhub.dicomweb.store.admission import TooManyInstances
from dicomhub.dicomweb.store.body_format import SUPPORTED, MediaTypeUnsupported
from dicomhub.dicomweb.store.metadata_and_bulk_data import MetadataMalformed
from dicomhub.dicomweb.store.unavailable import StoreUnavailable
from dicomhub.log import logger
from dicomhub.request_id import current_request_id
from dicomhub.standard.uid import UidInvalid
from tasks.transcode.failure import CodecFailure, CodecUnavailable

_RETRY_AFTER_SECONDS = 10
_DELETABLE = frozenset(("study", "series", "instance"))


def error_response(status: int, *, error: str, detail: str = "", **more: Any) -> HttpResponse:
    body = orjson.dumps({"error": error, "detail": detail, "request_id": current_request_id(), **more})
    return HttpResponse(body, status=status, content_type="application/json")


def answer(error: Exception, context: dict[str, Any]) -> HttpResponse:
    """Translate what a view raised; the exception handler of every DICOMweb view."""
    if isinstance(error, NothingThere):
        error = _gone_if_deleted(error, context)
    for kind, translate in _TRANSLATIONS.items():
        if isinstance(error, kind):
            return translate(error)
    logger().error(
        "dicomweb_request_failed",
        view=type(context.get("view")).__name__,
        kwargs=context.get("kwargs"),
        exc_info=error,
    )
    return error_response(500, error="something is wrong on our side; it is in the log")


def _gone_if_deleted(error: NothingThere, context: dict[str, Any]) -> NothingThere:
    """The one place that asks: whoever finds nothing need not know why. Of the caller's tenant alone."""
    view = context["view"]
    if error.what not in _DELETABLE or "study" not in view.kwargs:
        return error
    resource = view.resource()
    is_gone = is_deleted(
        resource.tenant,
        resource.study_instance_uid,
        resource.series_instance_uid,
        resource.sop_instance_uid,
    )
    return Gone(error.what) if is_gone else error


def _try_later(
    status: int, *, error: str, detail: str, after_seconds: int = _RETRY_AFTER_SECONDS
) -> HttpResponse:
    response = error_response(status, error=error, detail=detail)
    response["Retry-After"] = str(after_seconds)
    return response


def _no_codec(error: Exception) -> HttpResponse:
    logger().error("pixels_not_decoded", reason=str(error))
    return _try_later(503, error="pixels cannot be decoded at the moment", detail="Accept")


def _warehouse_needed(error: WarehouseNeeded) -> HttpResponse:
    logger().error("warehouse_search_failed", parameter=error.parameter, reason=error.reason)
    trouble = (
        "it took too long: name a study, a patient, an accession number or a date as well"
        if error.is_too_long
        else "it cannot answer at the moment: name a study, or try again"
    )
    return _try_later(
        503,
        error=f"only the warehouse can find this across the archive by this key, and {trouble}",
        detail=error.parameter,
    )


def _range_not_satisfiable(error: RangeNotSatisfiable) -> HttpResponse:
    response = error_response(416, error=str(error), detail="Range")
    response["Content-Range"] = f"bytes */{error.size_bytes}"
    return response


def _refused(status: int, error: NotAuthenticated | ScopeMissing, detail: str) -> HttpResponse:
    response = error_response(status, error=str(error), detail=detail)
    response["WWW-Authenticate"] = challenge(error, settings.ENVIRONMENT.auth)
    return response


# The first kind that fits decides: a subclass stands before its base.
_TRANSLATIONS: dict[type[Exception], Callable[[Any], HttpResponse]] = {
    UidInvalid: lambda error: error_response(400, error=str(error), detail=error.name),
    AcceptMalformed: lambda error: error_response(400, error=str(error), detail=error.where),
    FrameListInvalid: lambda error: error_response(400, error=str(error), detail="frames"),
    QueryInvalid: lambda error: error_response(400, error=error.reason, detail=error.parameter),
    RenderingParameterInvalid: lambda error: error_response(400, error=error.reason, detail=error.parameter),
    TooManyUids: lambda error: error_response(413, error=str(error), detail=error.parameter),
    MatchUnsupported: lambda error: error_response(
        400, error="this key is not supported here", detail=error.keyword
    ),
    MatchInvalid: lambda error: error_response(
        400, error=f"not a value of {error.keyword}", detail=error.keyword
    ),
    NotAuthenticated: lambda error: _refused(401, error, "Authorization"),
    ScopeMissing: lambda error: _refused(403, error, "scope"),
    KeysUnavailable: lambda error: _try_later(503, error=str(error), detail="Authorization"),
    Gone: lambda error: error_response(410, error=str(error), detail="path"),
    NothingThere: lambda error: error_response(404, error=str(error), detail="path"),
    NotAcceptable: lambda error: error_response(
        406, error=str(error), detail="Accept", available=error.available
    ),
    TooManyRetrieves: lambda error: _try_later(429, error=str(error), detail="wait until one has ended"),
    RangeNotSatisfiable: _range_not_satisfiable,
    ArchivedFileChanged: lambda error: _try_later(503, error=str(error), detail="path", after_seconds=1),
    PreconditionFailed: lambda error: error_response(412, error=str(error), detail="If-Match"),
    CharsetNotAcceptable: lambda error: error_response(
        406, error=str(error), detail=error.where, available=["utf-8"]
    ),
    NoPicture: lambda error: error_response(406, error=str(error), detail="path", available=()),
    CodecUnavailable: _no_codec,
    CodecFailure: _no_codec,
    NoRoomToRender: _no_codec,
    WarehouseNeeded: _warehouse_needed,
    MultipartMalformed: lambda error: error_response(400, error=str(error), detail="body"),
    MetadataMalformed: lambda error: error_response(400, error=str(error), detail="body"),
    BodyBroken: lambda error: error_response(400, error=str(error), detail="body"),
    BodyStalled: lambda error: error_response(408, error=str(error), detail="body"),
    BodyTooLarge: lambda error: error_response(413, error=str(error), detail="body"),
    TooManyInstances: lambda error: error_response(413, error=str(error), detail="body"),
    MediaTypeUnsupported: lambda error: error_response(
        415, error=str(error), detail=error.where, supported=SUPPORTED
    ),
    StoreUnavailable: lambda error: _try_later(503, error=str(error), detail="store"),
    MethodNotAllowed: lambda error: error_response(405, error=str(error.detail), detail="method"),
    APIException: lambda error: error_response(error.status_code, error=str(error.detail)),
    SuspiciousOperation: lambda _: error_response(400, error="the request cannot be understood"),
}


def _is_dicomweb(request: HttpRequest) -> bool:
    return "/dicom-web/" in request.path or request.path.endswith("/wado")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Replace Django's page for what is refused before a view is reached, as a Host that is not ours."""
    if _is_dicomweb(request):
        return error_response(400, error="the request cannot be understood", detail=type(exception).__name__)
    return defaults.bad_request(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_dicomweb(request):
        return error_response(404, error="there is no such resource", detail="path")
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    if _is_dicomweb(request):
        return error_response(500, error=HTTPStatus.INTERNAL_SERVER_ERROR.phrase)
    return defaults.server_error(request)
