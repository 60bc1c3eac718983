"""QIDO-RS for instances: the series that match, then the lines of their metadata documents. PS3.18 10.6.

There is no table of instances. What a key of the patient, study or series level leaves of the archive decides
how much has to be read, so a search by an instance's own keys alone is refused where that were too much.
"""

from collections.abc import Callable, Iterator, Sequence

import orjson
from django.db.models import QuerySet, Sum

from dicomhub.archive import selectors
from dicomhub.archive.columns import (
    MODALITIES_IN_STUDY,
    PATIENT_COLUMNS,
    REQUEST_COLUMNS,
    SERIES_COLUMNS,
    SOP_CLASSES_IN_STUDY,
    STUDY_COLUMNS,
)
from dicomhub.archive.models import Series
from dicomhub.dicomweb.matching import instance_filter
from dicomhub.dicomweb.query import QueryInvalid, SearchQuery
from dicomhub.dicomweb.search import SERIES_TAGS, STUDY_TAGS, Found, Model, Scope, answered, tags
from dicomhub.metadata.series import read_series
from dicomhub.standard.attributes import INSTANCE_ATTRIBUTES
from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.storage.layout import SeriesKey

_ABOVE_INSTANCES = {
    column.keyword
    for column in (
        *PATIENT_COLUMNS,
        *STUDY_COLUMNS,
        *SERIES_COLUMNS,
        *REQUEST_COLUMNS,
        MODALITIES_IN_STUDY,
        SOP_CLASSES_IN_STUDY,
    )
}
_INSTANCE_TAGS = tags(*INSTANCE_ATTRIBUTES, "StudyInstanceUID", "SeriesInstanceUID")


class InstanceSearch:
    """One search. max_series: how many series it may read when no study is named."""

    def __init__(self, store: FilesystemStore, scope: Scope, query: SearchQuery, *, max_series: int) -> None:
        self._store = store
        self._scope = scope
        self._query = query
        series_matches, instance_matches = _by_level(query.matches)
        self._series = selectors.series_matching(scope.tenant, series_matches, scope.study_instance_uid)
        if scope.series_instance_uid is not None:
            self._series = self._series.filter(series_instance_uid=scope.series_instance_uid)
        self._is_match = instance_filter(instance_matches)
        self._is_filtered = bool(instance_matches)
        self._wanted = _wanted(scope)
        if self._is_filtered and scope.study_instance_uid is None:
            _check_is_narrow(self._series, instance_matches, max_series)

    def found(self, limit: int) -> Found:
        first, last = self._query.offset, self._query.offset + limit
        answers: list[bytes] = []
        matching = 0
        for series in self._series.iterator():
            answer = self._answer_of(series)
            if self._is_filtered:
                for header in self._matching_headers(series):
                    if first <= matching < last:
                        answers.append(answer(header))
                    matching += 1
            elif matching + series.number_of_instances <= first:
                matching += series.number_of_instances
            elif matching < last:
                lines = self._lines(series)
                page = lines[max(first - matching, 0) : last - matching]
                answers += map(answer, map(orjson.loads, page))
                matching += len(lines)
            else:
                break
        if not self._is_filtered:
            matching = self._series.aggregate(total=Sum("number_of_instances", default=0))["total"]
        return Found(answers, max(matching - last, 0))

    def _matching_headers(self, series: Series) -> Iterator[Model]:
        return filter(self._is_match, map(orjson.loads, self._lines(series)))

    def _lines(self, series: Series) -> Sequence[bytes]:
        key = SeriesKey(self._scope.tenant, series.study.study_instance_uid, series.series_instance_uid)
        return read_series(self._store, key, is_fresh=series.is_document_fresh).lines

    def _answer_of(self, series: Series) -> Callable[[Model], bytes]:
        study_uid = series.study.study_instance_uid
        rows = selectors.series_model(series), selectors.study_model(series.study)

        def answer(header: Model) -> bytes:
            instance_uid = header["00080018"]["Value"][0]
            url = self._scope.retrieve_url(study_uid, series.series_instance_uid, instance_uid)
            return answered(header, *rows, wanted=self._wanted, query=self._query, retrieve_url=url)

        return answer


def _wanted(scope: Scope) -> frozenset[str]:
    """The tables of the levels that the path does not name already are answered too. PS3.18 10.6.3.3."""
    tags = _INSTANCE_TAGS
    if scope.series_instance_uid is None:
        tags |= SERIES_TAGS
    return tags if scope.study_instance_uid else tags | STUDY_TAGS


def _by_level(matches: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """What the database matches, and what has to be looked for in the documents."""
    above = {keyword: value for keyword, value in matches.items() if keyword in _ABOVE_INSTANCES}
    return above, {keyword: value for keyword, value in matches.items() if keyword not in above}


def _check_is_narrow(series: QuerySet[Series], keys: dict[str, str], max_series: int) -> None:
    if series[: max_series + 1].count() > max_series:
        raise QueryInvalid(
            next(iter(keys)),
            f"more than {max_series} series would have to be read for this key: name a study, or a patient, "
            "accession number, date or series as well",
        )
