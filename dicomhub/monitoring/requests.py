"""What the web side counts itself: requests, by the route that they took, never by the address asked for."""

import time
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from prometheus_client import Counter, Histogram

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

_REQUESTS = Counter("dicomhub_web_requests_total", "Requests answered.", ("route", "method", "status"))
_SECONDS = Histogram(
    "dicomhub_web_request_seconds", "Until the first byte of the answer.", ("route",), buckets=_BUCKETS
)
_QUERY_SECONDS = Histogram(
    "dicomhub_web_database_seconds",
    "Time in the database until the first byte of the answer; _count is the number of queries.",
    ("route",),
    buckets=_BUCKETS,
)


class _Queries:
    """The queries of one request."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __call__(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        begun_at = time.perf_counter()
        try:
            return execute(*arguments)
        finally:
            self.seconds.append(time.perf_counter() - begun_at)


class RequestMetrics:
    """Middleware: the outermost, so that what the others answer is counted too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        begun_at = time.perf_counter()
        queries = _Queries()
        with connection.execute_wrapper(queries):
            response = self._get_response(request)
        match = request.resolver_match
        route = match.route if match else "(none)"
        method = request.method if request.method in _METHODS else "(other)"
        _REQUESTS.labels(route, method, str(response.status_code)).inc()
        _SECONDS.labels(route).observe(time.perf_counter() - begun_at)
        by_route = _QUERY_SECONDS.labels(route)
        for seconds in queries.seconds:
            by_route.observe(seconds)
        return response
