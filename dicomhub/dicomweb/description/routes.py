"""All that is described: the service's routes, and those of the description itself."""

from dicomhub.dicomweb.description.route import Route, routes_of
from dicomhub.dicomweb.description.views import Capabilities, OpenApiDocument, TryIt
from dicomhub.dicomweb.urls import urlpatterns
from dicomhub.dicomweb.wado_uri.views import WadoUri

ROOT = Route("/", {"OPTIONS": Capabilities})
OPENAPI = Route("/openapi.json", {"GET": OpenApiDocument})
TRY_IT = Route("/docs", {"GET": TryIt})

WADO_URI = Route("/wado", {"GET": WadoUri})
"""Beside the service, and so not among its resources."""

ROUTES: tuple[Route, ...] = (ROOT, OPENAPI, TRY_IT, *routes_of(urlpatterns))
