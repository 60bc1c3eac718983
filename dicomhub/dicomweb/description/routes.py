"""All that is described: the service's routes, and those of the description itself."""

from dicomhub.dicomweb.description.route import Route, routes_of
from dicomhub.dicomweb.description.views import Capabilities, OpenApiDocument, TryIt
from dicomhub.dicomweb.urls import urlpatterns

ROOT = Route("/", {"OPTIONS": Capabilities})
OPENAPI = Route("/openapi.json", {"GET": OpenApiDocument})
TRY_IT = Route("/docs", {"GET": TryIt})

ROUTES: tuple[Route, ...] = (ROOT, OPENAPI, TRY_IT, *routes_of(urlpatterns))
