"""The description, described. PS3.18 8.9."""

from typing import Any

from dicomhub.dicomweb.description.operation import Operation, of_offers
from dicomhub.dicomweb.description.parameters import NEGOTIATION
from dicomhub.dicomweb.description.route import Route
from dicomhub.dicomweb.description.views import CAPABILITIES_OFFERS, OPENAPI_OFFERS, PAGE_OFFERS

_OBJECT: dict[str, Any] = {"type": "object"}


def capabilities(_route: Route) -> Operation:
    return Operation(
        transaction="Retrieve Capabilities",
        section="8.9",
        description="What can be done with this resource and those below it. Every resource answers OPTIONS.",
        gives=of_offers(*CAPABILITIES_OFFERS, schema=_OBJECT),
        parameters=NEGOTIATION,
    )


def openapi_document(_route: Route) -> Operation:
    return Operation(
        transaction="Retrieve OpenAPI Document",
        section="",
        description="This service in the terms of OpenAPI 3.1.",
        gives=of_offers(*OPENAPI_OFFERS, schema=_OBJECT),
        parameters=NEGOTIATION,
    )


def try_it(_route: Route) -> Operation:
    return Operation(
        transaction="Retrieve Documentation Page",
        section="",
        description="A page to try the service from.",
        gives=of_offers(*PAGE_OFFERS),
        parameters=NEGOTIATION,
    )
