"""The description as it is served. What they show is given to them: they are part of it themselves."""

from collections.abc import Callable
from typing import Any, ClassVar

import orjson
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from rest_framework.request import Request

from dicomhub.accounts.scope import Scope
from dicomhub.dicomweb.description.wadl_element import Element
from dicomhub.dicomweb.http.negotiation import JSON, Offer
from dicomhub.dicomweb.view import DicomWebView
from dicomhub.security_headers import HEADER, PAGE_POLICY

WADL = "application/vnd.sun.wadl+xml"
OPENAPI = "application/vnd.oai.openapi+json"
HTML = "text/html"
CAPABILITIES_OFFERS = (Offer(media_type=WADL), Offer(media_type=JSON))
OPENAPI_OFFERS = (Offer(media_type=OPENAPI), Offer(media_type=JSON))
PAGE_OFFERS = (Offer(media_type=HTML),)


class Capabilities(DicomWebView):
    """What can be done with a resource, and with those below it. PS3.18 8.9."""

    http_method_names = ["options"]  # noqa: RUF012 - declared by Django as an instance variable
    scopes: ClassVar = {}

    describe: Callable[[str], Element] | None = None  # given to as_view: from the service's base URL

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:  # type: ignore[override] # noqa: ARG002
        assert self.describe is not None
        offer = self.acceptable.choose(CAPABILITIES_OFFERS)
        description = self.describe(self.base_url)
        if offer.media_type == WADL:
            content = description.to_xml()
        else:
            content = orjson.dumps({description.name: description.to_json()})
        response = HttpResponse(content, content_type=offer.media_type)
        response["Link"] = (
            f'<{self.base_url}/openapi.json>; rel="service-desc"; type="{OPENAPI}", '
            f'<{self.base_url}/docs>; rel="service-doc"; type="{HTML}"'
        )
        return response


class OpenApiDocument(DicomWebView):
    """The service in the terms of OpenAPI, with this tenant's address."""

    scopes: ClassVar = {"GET": Scope.READ}

    document: Callable[[], dict[str, Any]] | None = None  # given to as_view

    def get(self, _request: Request, **_kwargs: str) -> HttpResponseBase:
        assert self.document is not None
        offer = self.acceptable.choose(OPENAPI_OFFERS)
        document = {**self.document(), "servers": [{"url": self.base_url}]}
        return self.compressible([orjson.dumps(document)], content_type=offer.media_type)


class TryIt(DicomWebView):
    """A page to try the service from; its scripts are files of ours."""

    scopes: ClassVar = {"GET": Scope.READ}

    def get(self, request: HttpRequest, **_kwargs: str) -> HttpResponse:
        self.acceptable.choose(PAGE_OFFERS)
        response = render(request, "description/try_it.html")
        response[HEADER] = PAGE_POLICY
        return response
