"""Conditional requests: what tells one state of a representation from another. RFC 9110 8.8, 13."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import http_date
from rest_framework.request import Request


class PreconditionFailed(Exception):
    """The resource is not in the state that If-Match or If-Unmodified-Since asks for."""

    def __init__(self) -> None:
        super().__init__("the resource has changed, or is not what the request expects")


@dataclass(frozen=True, slots=True)
class Validators:
    """etag as it stands in the header; modified_at is aware, None where no time is known."""

    etag: str
    modified_at: datetime | None = None

    @property
    def modified_seconds(self) -> int | None:
        """Since the epoch, as Last-Modified can say it."""
        return int(self.modified_at.timestamp()) if self.modified_at else None


def entity_tag(*parts: str, is_weak: bool) -> str:
    """The ETag of a representation that parts tell from all others of its resource, before and after.

    Weak: two answers with it mean the same, but need not be the same bytes (a boundary, a compression).
    """
    tag = hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()
    return f'W/"{tag}"' if is_weak else f'"{tag}"'


def unchanged(request: HttpRequest | Request, validators: Validators) -> HttpResponseBase | None:
    """A 304 for a client that has this representation, else None. RFC 9110 13.2.2.

    Raises PreconditionFailed.
    """
    response = get_conditional_response(
        request, etag=validators.etag, last_modified=validators.modified_seconds
    )
    if response is not None and response.status_code == 412:
        raise PreconditionFailed
    return response


def set_validators(response: HttpResponseBase, validators: Validators) -> None:
    response["ETag"] = validators.etag
    if validators.modified_seconds is not None:
        response["Last-Modified"] = http_date(validators.modified_seconds)
