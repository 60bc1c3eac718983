"""Middleware: a line of the access journal for each DICOMweb request, once its answer has gone out."""

import secrets
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import orjson
from django.conf import settings
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.functional import LazyObject, empty

from dicomhub.dicomweb.http.access_resource import AccessResource, access_resource
from dicomhub.dicomweb.http.address import client_address
from dicomhub.log import logger
from dicomhub.request_id import current_request_id
from tasks.warehouse.access_journal import AccessJournal, journal_directory
from tasks.warehouse.tables import SCHEMA_VERSION, format_datetime

# As nginx has it: the client went away before it had the whole answer.
CLIENT_CLOSED_REQUEST = 499
_TEXT_MAX_LENGTH = 4096
_CODE_MAX_LENGTH = 128


class AccessLog:
    """Bytes are those that the socket took: a chunk counts once the server asks for the next one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        resource = access_resource(
            request.method or "", request.path_info, request.META.get("QUERY_STRING", "")
        )
        if resource is None:
            return self._get_response(request)
        access = _Access(request, resource)
        response = self._get_response(request)
        access.follow(response)
        return response


class _Access:
    """One request, from its beginning to the end of its answer."""

    def __init__(self, request: HttpRequest, resource: AccessResource) -> None:
        self._request = request
        self._resource = resource
        self._happened_at = datetime.now(UTC)
        self._began = time.perf_counter()
        self._request_id = current_request_id()
        self._status = 0
        self._bytes_sent = 0

    def follow(self, response: HttpResponseBase) -> None:
        self._status = response.status_code
        if isinstance(response, StreamingHttpResponse):
            # Until the last chunk was asked for and there was none: the client may go away.
            self._status = CLIENT_CLOSED_REQUEST
            response.streaming_content = self._counted(iter(response), response.status_code)
        elif self._request.method != "HEAD":
            self._bytes_sent = len(response.content)  # type: ignore[attr-defined] # all others have it
        close = response.close

        def close_and_note() -> None:
            close()
            self._note()

        response.close = close_and_note  # type: ignore[method-assign] # the server calls it at the end

    def _counted(self, chunks: Iterator[bytes], status: int) -> Iterator[bytes]:
        try:
            for chunk in chunks:
                yield chunk
                self._bytes_sent += len(chunk)
        except Exception:
            self._status = 500  # the answer broke off on our side
            raise
        self._status = status

    def _note(self) -> None:
        """What goes wrong here must not reach the client, whose answer has gone out."""
        directory = journal_directory(settings.ENVIRONMENT.warehouse.spool)
        try:
            _journal(directory).append(orjson.dumps(self._row()))
        except (OSError, orjson.JSONEncodeError) as error:
            logger().error("access_not_logged", error=str(error))

    def _row(self) -> dict[str, object]:
        meta, resource = self._request.META, self._resource
        return {
            "happened_at": format_datetime(self._happened_at),
            "event_id": secrets.token_hex(12),
            "tenant": getattr(self._request, "tenant", resource.tenant),
            "user_name": _user_name(self._request),
            "address": client_address(self._request, proxies=settings.ENVIRONMENT.web.proxies),
            "method": _code(self._request.method or ""),
            "resource": resource.kind,
            "study_instance_uid": resource.study_instance_uid,
            "series_instance_uid": resource.series_instance_uid,
            "sop_instance_uid": resource.sop_instance_uid,
            "query": meta.get("QUERY_STRING", "")[:_TEXT_MAX_LENGTH] or None,
            "status": self._status,
            "bytes_sent": self._bytes_sent,
            "milliseconds": (time.perf_counter() - self._began) * 1e3,
            "user_agent": meta.get("HTTP_USER_AGENT", "")[:_TEXT_MAX_LENGTH] or None,
            "request_id": self._request_id,
            "node": _node(),
            "schema_version": SCHEMA_VERSION,
        }


def _user_name(request: HttpRequest) -> str:
    """Of whom the request was served for. Who was not asked for is not looked up for this."""
    user = getattr(request, "user", None)
    if user is None or (isinstance(user, LazyObject) and user._wrapped is empty):  # noqa: SLF001 - no other way to ask
        return ""
    return str(user.get_username())


def _code(text: str) -> str:
    return text[:_CODE_MAX_LENGTH] if text.isascii() and text.isprintable() else ""


@cache
def _node() -> str:
    return socket.gethostname()


@cache
def _journal(directory: Path) -> AccessJournal:
    return AccessJournal(directory)
