"""The routes of one tenant's DICOMweb service, to be included once for each way to name one. PS3.18 10.1."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, re_path
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import MethodNotAllowed

from dicomhub.dicomweb.delete.views import Delete
from dicomhub.dicomweb.errors import answer
from dicomhub.dicomweb.rendered.views import Rendered, Thumbnail
from dicomhub.dicomweb.retrieve.bulk_data import SEGMENT
from dicomhub.dicomweb.retrieve.bulk_views import AllBulkData, BulkData, Frames
from dicomhub.dicomweb.retrieve.views import Metadata, Retrieve
from dicomhub.dicomweb.search.views import Search
from dicomhub.dicomweb.store.views import Store
from dicomhub.dicomweb.view import DicomWebView, NoSuchResource

_STUDY = "studies/<str:study>"
_SERIES = f"{_STUDY}/series/<str:series>"
_INSTANCE = f"{_SERIES}/instances/<str:instance>"
_SHOWN = (_STUDY, _SERIES, _INSTANCE, f"{_INSTANCE}/frames/<str:frames>")


def by_method(**views: type[DicomWebView]) -> Callable[..., HttpResponseBase]:
    """One view for a path that several share: each is named by its method, HEAD goes with GET.

    Any other method is answered 405. OPTIONS, and Allow, are seen to by description.urls.
    """
    callables = {method: view.as_view() for method, view in views.items()}
    if "GET" in callables:
        callables["HEAD"] = callables["GET"]

    @csrf_exempt  # as each of the views is, when it stands alone
    def view(request: HttpRequest, **kwargs: str) -> HttpResponseBase:
        method = request.method or ""
        if method not in callables:
            return answer(MethodNotAllowed(method), {})
        return callables[method](request, **kwargs)

    view.views = views  # type: ignore[attr-defined] # for the description of the route
    return view


urlpatterns: list[URLPattern] = [
    # Django tries one after the other: what viewers ask for most comes first.
    path(f"{_INSTANCE}/frames/<str:frames>", Frames.as_view()),
    path(_INSTANCE, by_method(GET=Retrieve, DELETE=Delete)),
    path(f"{_SERIES}/metadata", Metadata.as_view()),
    path("studies", by_method(GET=Search, POST=Store)),
    path("series", Search.as_view(level="series")),
    path("instances", Search.as_view(level="instances")),
    path(f"{_STUDY}/series", Search.as_view(level="series")),
    path(f"{_STUDY}/instances", Search.as_view(level="instances")),
    path(f"{_SERIES}/instances", Search.as_view(level="instances")),
    path(_STUDY, by_method(GET=Retrieve, POST=Store, DELETE=Delete)),
    path(_SERIES, by_method(GET=Retrieve, DELETE=Delete)),
    path(f"{_STUDY}/metadata", Metadata.as_view()),
    path(f"{_INSTANCE}/metadata", Metadata.as_view()),
    path(f"{_INSTANCE}/{SEGMENT}/<path:value>", BulkData.as_view()),
    *(path(f"{resource}/rendered", Rendered.as_view()) for resource in _SHOWN),
    *(path(f"{resource}/thumbnail", Thumbnail.as_view()) for resource in _SHOWN),
    *(path(f"{level}/{SEGMENT}", AllBulkData.as_view()) for level in (_STUDY, _SERIES, _INSTANCE)),
    *(
        path(f"{level}/pixeldata", AllBulkData.as_view(only_pixels=True))
        for level in (_STUDY, _SERIES, _INSTANCE)
    ),
    re_path(".", NoSuchResource.as_view()),
]
