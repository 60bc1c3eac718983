"""The routes of one tenant's DICOMweb service, to be included once for each way to name one. PS3.18 10.1."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, re_path
from django.views.decorators.csrf import csrf_exempt

from dicomhub.dicomweb.delete.views import Delete
from dicomhub.dicomweb.errors import method_not_allowed
from dicomhub.dicomweb.retrieve.bulk_data import SEGMENT
from dicomhub.dicomweb.retrieve.views import BulkData, Metadata, Retrieve
from dicomhub.dicomweb.search.views import Search
from dicomhub.dicomweb.view import DicomWebView, NoSuchResource

_STUDY = "studies/<str:study>"
_SERIES = f"{_STUDY}/series/<str:series>"
_INSTANCE = f"{_SERIES}/instances/<str:instance>"


def by_method(**views: type[DicomWebView]) -> Callable[..., HttpResponseBase]:
    """One view for a path that several share: each is named by its method, HEAD goes with GET.

    OPTIONS is the first one's. Any other method is answered 405 with what there is.
    """
    callables = {method: view.as_view() for method, view in views.items()}
    first = next(iter(views))
    if "options" in views[first].http_method_names:
        callables["OPTIONS"] = callables[first]
    if "GET" in callables:
        callables["HEAD"] = callables["GET"]

    @csrf_exempt  # as each of the views is, when it stands alone
    def view(request: HttpRequest, **kwargs: str) -> HttpResponseBase:
        method = request.method or ""
        chosen = callables.get(method)
        return chosen(request, **kwargs) if chosen else method_not_allowed(method, sorted(callables))

    return view


urlpatterns: list[URLPattern] = [
    path("studies", by_method(GET=Search)),
    path("series", Search.as_view(level="series")),
    path("instances", Search.as_view(level="instances")),
    path(f"{_STUDY}/series", Search.as_view(level="series")),
    path(f"{_STUDY}/instances", Search.as_view(level="instances")),
    path(f"{_SERIES}/instances", Search.as_view(level="instances")),
    path(_STUDY, by_method(GET=Retrieve, DELETE=Delete)),
    path(_SERIES, by_method(GET=Retrieve, DELETE=Delete)),
    path(_INSTANCE, by_method(GET=Retrieve, DELETE=Delete)),
    path(f"{_STUDY}/metadata", Metadata.as_view()),
    path(f"{_SERIES}/metadata", Metadata.as_view()),
    path(f"{_INSTANCE}/metadata", Metadata.as_view()),
    path(f"{_INSTANCE}/{SEGMENT}/<path:value>", BulkData.as_view()),
    path("", NoSuchResource.as_view(), name="root"),
    re_path(".", NoSuchResource.as_view()),
]
