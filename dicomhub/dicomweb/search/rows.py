"""What a search answers of a resource: what tables and documents know of it. PS3.18 10.6.3.3."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson

from dicomhub.archive import selectors
from dicomhub.archive.models import Series, Study
from dicomhub.archive.row_model import SERIES_ROW_TAGS, STUDY_ROW_TAGS
from dicomhub.dicomweb.resource import Resource
from dicomhub.dicomweb.search.query import SearchQuery
from dicomhub.standard.attributes import (
    INSTANCE_ATTRIBUTES,
    SERIES_ATTRIBUTES,
    STUDY_ATTRIBUTES,
    tag_of,
)
from dicomhub.standard.uid import checked_uid

Level = Literal["studies", "series", "instances"]
Model = dict[str, Any]
_RETRIEVE_URL: Final = "00081190"
# All text is sent in UTF-8, whatever it came in. PS3.18 F.1.
_OF_ALL: Final[Model] = {
    "00080005": {"vr": "CS", "Value": ["ISO_IR 192"]},
    "00080056": {"vr": "CS", "Value": ["ONLINE"]},
}


def _tags(*keywords: str) -> frozenset[str]:
    return frozenset(str(tag_of(keyword)) for keyword in ("SpecificCharacterSet", *keywords))


_STUDY_TAGS: Final = _tags(*STUDY_ATTRIBUTES)
_SERIES_TAGS: Final = _tags(*SERIES_ATTRIBUTES, "StudyInstanceUID", "InstanceAvailability")
_INSTANCE_TAGS: Final = _tags(*INSTANCE_ATTRIBUTES, "StudyInstanceUID", "SeriesInstanceUID")


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
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
    """A page of results, a data set each, and how many more there are behind it."""

    models: Iterable[Model]
    additional: int


class Answers:
    """The data sets that the clients of one search get, their tags ascending.

    The tables of the levels that the path does not name are answered too. PS3.18 10.6.3.3.
    """

    def __init__(self, within: Within, query: SearchQuery) -> None:
        self._within = within
        self._include = query.include_tags
        self._of_series: tuple[int, Model] = (0, {})  # of the last one answered

    def study(self, study: Study, header: Model) -> Model:
        """header: of an instance of it, as far as it says something of the study."""
        tags = self._tags(_STUDY_TAGS)
        url = self._within.retrieve_url(study.study_instance_uid)
        return _answered(
            tags, url, selectors.study_model(study, STUDY_ROW_TAGS if tags is None else tags), header
        )

    def series(self, series: Series, header: Model) -> Model:
        """header: of an instance of it, as far as it says something of the series or its study."""
        tags = self._tags(_SERIES_TAGS)
        url = self._within.retrieve_url(series.study.study_instance_uid, series.series_instance_uid)
        return _answered(tags, url, self._rows(series, tags), header)

    def instance(self, series: Series, header: Model) -> Model:
        tags = self._tags(
            _INSTANCE_TAGS if self._within.series_instance_uid else _INSTANCE_TAGS | _SERIES_TAGS
        )
        if self._of_series[0] != series.pk:
            self._of_series = series.pk, self._rows(series, tags)
        uid = header["00080018"]["Value"][0]
        url = self._within.retrieve_url(series.study.study_instance_uid, series.series_instance_uid, uid)
        return _answered(tags, url, header, self._of_series[1])

    def _tags(self, of_level: frozenset[str]) -> frozenset[str] | None:
        """None: all that is known."""
        if self._include is None:
            return None
        tags = of_level | self._include
        return tags if self._within.study_instance_uid else tags | _STUDY_TAGS

    def _rows(self, series: Series, tags: frozenset[str] | None) -> Model:
        of_study = selectors.study_model(series.study, STUDY_ROW_TAGS if tags is None else tags)
        return of_study | selectors.series_model(series, SERIES_ROW_TAGS if tags is None else tags)


def retrieve_url_of(line: bytes) -> str:
    """The address of an answered resource, of its JSON object."""
    return str(orjson.loads(line)[_RETRIEVE_URL]["Value"][0])


def _answered(tags: frozenset[str] | None, retrieve_url: str, *layers: Model) -> Model:
    """A layer goes before those after it."""
    known: Model = {}
    for layer in reversed(layers):
        known |= layer
    known |= _OF_ALL
    known[_RETRIEVE_URL] = {"vr": "UR", "Value": [retrieve_url]}
    return {tag: known[tag] for tag in sorted(known if tags is None else tags & known.keys())}
