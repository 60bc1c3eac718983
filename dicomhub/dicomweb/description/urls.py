"""The service's URL patterns, each of which describes itself when it is asked by OPTIONS."""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path

from dicomhub.dicomweb.description.openapi import document
from dicomhub.dicomweb.description.route import Route, route_of
from dicomhub.dicomweb.description.routes import OPENAPI, ROOT, ROUTES, TRY_IT
from dicomhub.dicomweb.description.views import Capabilities, OpenApiDocument, TryIt
from dicomhub.dicomweb.description.wadl import capabilities
from dicomhub.dicomweb.urls import urlpatterns as served

View = Callable[..., HttpResponseBase]


def _described(callback: View, route: Route) -> View:
    """The view, OPTIONS answered in its stead. Allow names the methods of all views of the route."""
    describe = Capabilities.as_view(describe=partial(capabilities, ROUTES, route))
    allowed = ", ".join(route.allowed)

    @wraps(callback)
    def view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        answering: View = describe if request.method == "OPTIONS" else callback
        response = answering(request, *args, **kwargs)
        response["Allow"] = allowed
        return response

    return view


def _with_description(pattern: URLPattern) -> URLPattern:
    route = route_of(pattern)
    if route is None:
        return pattern
    callback = _described(pattern.callback, route)
    return URLPattern(pattern.pattern, callback, pattern.default_args, pattern.name)


urlpatterns: list[URLPattern] = [
    path("", _described(Capabilities.as_view(), ROOT), name="root"),
    path("openapi.json", _described(OpenApiDocument.as_view(document=document), OPENAPI), name="openapi"),
    path("docs", _described(TryIt.as_view(), TRY_IT), name="try-it"),
    *map(_with_description, served),
]
