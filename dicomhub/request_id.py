"""What a request is called: in each line of the log, in the answer, in errors and the access log."""

import re
import secrets
from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from structlog import contextvars

HEADER = "X-Request-ID"
_FIELD = "request_id"
_SANE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+=@-]{0,127}", re.ASCII)


class RequestId:
    """Middleware: the client's or the proxy's X-Request-ID where it is one, else one made here.

    It stays bound until the next request of the thread takes its place: the body of an answer is sent after
    all middleware has returned.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get(HEADER, "")
        name = given if _SANE.fullmatch(given) else secrets.token_hex(12)
        contextvars.bind_contextvars(**{_FIELD: name})
        response = self._get_response(request)
        response[HEADER] = name
        return response


def current_request_id() -> str:
    """Of the request that this thread answers; "" where it answers none."""
    return str(contextvars.get_contextvars().get(_FIELD, ""))
