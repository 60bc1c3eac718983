"""Under which absolute address a client reaches us, and which one is its own."""

from collections.abc import Collection

from django.http import HttpRequest
from rest_framework.request import Request

_DEFAULT_PORTS = {"http": "80", "https": "443"}
_SET_BY_PROXIES = (
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_FORWARDED",
    "HTTP_VIA",
)


def public_address(request: HttpRequest | Request, *, configured: str | None) -> str:
    """Scheme, host and port, without a slash at the end: as configured, else as the request has it.

    BulkDataURIs and RetrieveURLs begin with it.

    dicomweb-client leaves the port out of its Host header. Where no proxy stands in between, the port is the
    one that it has reached us by.
    """
    if configured is not None:
        return configured.rstrip("/")
    host, scheme = request.get_host(), request.scheme or "http"
    port = request.META.get("SERVER_PORT", "")
    names_no_port = host.endswith("]") or ":" not in host
    is_direct = request.META.keys().isdisjoint(_SET_BY_PROXIES)
    if names_no_port and is_direct and port.isdigit() and port != _DEFAULT_PORTS.get(scheme):
        host = f"{host}:{port}"
    return f"{scheme}://{host}"


def client_address(request: HttpRequest | Request, *, proxies: Collection[str]) -> str:
    """Of whoever is behind our own proxies: each has put the address of who spoke to it at the end."""
    address: str = request.META.get("REMOTE_ADDR", "")
    passed_on = request.headers.get("X-Forwarded-For", "").split(",")
    while address in proxies and passed_on and (nearer := passed_on.pop().strip()):
        address = nearer
    return address
