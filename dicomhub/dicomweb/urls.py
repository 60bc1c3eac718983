"""The routes of one tenant's DICOMweb service, to be included once for each way to name one. PS3.18 10.1."""

from django.urls import URLPattern, path, re_path

from dicomhub.dicomweb.retrieve.bulk_data import SEGMENT
from dicomhub.dicomweb.retrieve.bulk_views import BulkData, Frames
from dicomhub.dicomweb.retrieve.views import Metadata, Retrieve
from dicomhub.dicomweb.search.views import Search
from dicomhub.dicomweb.view import NoSuchResource

_STUDY = "studies/<str:study>"
_SERIES = f"{_STUDY}/series/<str:series>"
_INSTANCE = f"{_SERIES}/instances/<str:instance>"

urlpatterns: list[URLPattern] = [
    path("studies", Search.as_view(level="studies")),
    path("series", Search.as_view(level="series")),
    path("instances", Search.as_view(level="instances")),
    path(f"{_STUDY}/series", Search.as_view(level="series")),
    path(f"{_STUDY}/instances", Search.as_view(level="instances")),
    path(f"{_SERIES}/instances", Search.as_view(level="instances")),
    path(_STUDY, Retrieve.as_view()),
    path(_SERIES, Retrieve.as_view()),
    path(_INSTANCE, Retrieve.as_view()),
    path(f"{_STUDY}/metadata", Metadata.as_view()),
    path(f"{_SERIES}/metadata", Metadata.as_view()),
    path(f"{_INSTANCE}/metadata", Metadata.as_view()),
    path(f"{_INSTANCE}/frames/<str:frames>", Frames.as_view()),
    path(f"{_INSTANCE}/{SEGMENT}/<path:value>", BulkData.as_view()),
    path("", NoSuchResource.as_view(), name="root"),
    re_path(".", NoSuchResource.as_view()),
]
