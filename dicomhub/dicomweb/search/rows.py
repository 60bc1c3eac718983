"""QIDO-RS: studies, series and instances that match. PS3.18 10.6, PS3.4 C.2.2.2.

Studies and series are rows of the database; instances are lines of their series' metadata documents.
"""

from collections import ChainMap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from dicomhub.archive import selectors
from dicomhub.dicomweb.resource import Resource
from dicomhub.dicomweb.search.query import SearchQuery
from dicomhub.standard.attributes import (
    SERIES_ATTRIBUTES,
    STUDY_ATTRIBUTES,
    tag_of,
)
from dicomhub.standard.dicom_json import encode_model
from dicomhub.standard.uid import checked_uid

Level = Literal["studies", "series", "instances"]
Model = dict[str, Any]
RETRIEVE_URL = "00081190"
_ONLINE: Model = {"00080056": {"vr": "CS", "Value": ["ONLINE"]}}


def tags(*keywords: str) -> frozenset[str]:
    return frozenset(str(tag_of(keyword)) for keyword in keywords)


STUDY_TAGS = tags(*STUDY_ATTRIBUTES)
SERIES_TAGS = tags(*SERIES_ATTRIBUTES, "StudyInstanceUID", "InstanceAvailability")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where a search looks: a tenant, a study or a series of it. RetrieveURLs lie below base_url.

    Raises UidInvalid.
    """

    tenant: str
    study_instance_uid: str | None
    series_instance_uid: str | None
    base_url: str

    def __post_init__(self) -> None:
        if self.study_instance_uid is not None:
            checked_uid("StudyInstanceUID", self.study_instance_uid)
        if self.series_instance_uid is not None:
            checked_uid("SeriesInstanceUID", self.series_instance_uid)

    def retrieve_url(self, study: str, series: str | None = None, instance: str | None = None) -> str:
        resource = Resource(
            tenant=self.tenant,
            study_instance_uid=study,
            series_instance_uid=series,
            sop_instance_uid=instance,
        )
        return self.base_url + resource.path


@dataclass(frozen=True, slots=True)
class Found:
    """A page of results, an encoded object each, and how many more there are behind it."""

    lines: Iterable[bytes]
    additional: int


def studies(scope: Scope, query: SearchQuery, limit: int) -> Found:
    rows = selectors.studies_matching(scope.tenant, query.matches)
    page = list(rows[query.offset : query.offset + limit + 1])
    additional = rows.count() - query.offset - limit if len(page) > limit else 0

    def lines() -> Iterator[bytes]:
        for study in page[:limit]:
            url = scope.retrieve_url(study.study_instance_uid)
            yield answered(selectors.study_model(study), wanted=STUDY_TAGS, query=query, retrieve_url=url)

    return Found(lines(), additional)


def series(scope: Scope, query: SearchQuery, limit: int) -> Found:
    rows = selectors.series_matching(scope.tenant, query.matches, scope.study_instance_uid)
    page = list(rows[query.offset : query.offset + limit + 1])
    additional = rows.count() - query.offset - limit if len(page) > limit else 0
    wanted = SERIES_TAGS if scope.study_instance_uid else SERIES_TAGS | STUDY_TAGS

    def lines() -> Iterator[bytes]:
        for each in page[:limit]:
            layers = selectors.series_model(each), selectors.study_model(each.study)
            url = scope.retrieve_url(each.study.study_instance_uid, each.series_instance_uid)
            yield answered(*layers, wanted=wanted, query=query, retrieve_url=url)

    return Found(lines(), additional)


def answered(*layers: Model, wanted: frozenset[str], query: SearchQuery, retrieve_url: str) -> bytes:
    """The attributes of a match that this client gets, encoded; a layer goes before those after it."""
    known = ChainMap({RETRIEVE_URL: {"vr": "UR", "Value": [retrieve_url]}}, _ONLINE, *layers)
    include = query.include_tags
    tags_in_order = sorted(known if include is None else wanted | include)
    return encode_model({tag: known[tag] for tag in tags_in_order if tag in known})
