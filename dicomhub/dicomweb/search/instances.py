"""QIDO-RS for instances: the series that match, then the lines of their metadata documents. PS3.18 10.6.

There is no table of instances. What a key of the patient, study or series level leaves of the archive decides
how much has to be read; where that were too much for an instance's own keys, the warehouse is asked.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

import orjson
from django.db.models import Sum

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
from dicomhub.dicomweb.search.matching import instance_filter
from dicomhub.dicomweb.search.query import QueryInvalid, SearchQuery
from dicomhub.dicomweb.search.rows import SERIES_TAGS, STUDY_TAGS, Found, Model, Scope, answered, tags
from dicomhub.dicomweb.search.warehouse import WarehouseSearch
from dicomhub.metadata.series import read_series
from dicomhub.standard.attributes import INSTANCE_ATTRIBUTES
from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.storage.layout import SeriesKey
from tasks.warehouse.port import Warehouse

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
} | {f"RequestAttributesSequence.{column.keyword}" for column in REQUEST_COLUMNS}
# Beside which the warehouse can be told in which series to look: Doris takes no more values at once.
_MAX_SERIES_NAMED = 10_000
_INSTANCE_TAGS = tags(*INSTANCE_ATTRIBUTES, "StudyInstanceUID", "SeriesInstanceUID")


class InstanceSearch:
    """One search. max_series: of how many series it may read the documents when no study is named.

    max_seconds: what a query to the warehouse may take. Raises QueryInvalid, MatchInvalid.
    """

    def __init__(
        self,
        store: FilesystemStore,
        warehouse: Warehouse,
        scope: Scope,
        query: SearchQuery,
        *,
        max_series: int,
        max_seconds: float,
    ) -> None:
        self._store = store
        self._warehouse = warehouse
        self._scope = scope
        self._query = query
        self._series_matches, self._instance_matches = _by_level(query.matches)
        self._series = selectors.series_matching(scope.tenant, self._series_matches, scope.study_instance_uid)
        if scope.series_instance_uid is not None:
            self._series = self._series.filter(series_instance_uid=scope.series_instance_uid)
        self._is_match = instance_filter(self._instance_matches)
        self._is_filtered = bool(self._instance_matches)
        self._wanted = _wanted(scope)
        self._max_series = max_series
        self._max_seconds = max_seconds
        self._models: dict[int, tuple[Model, Model]] = {}  # of the series of the last answer

    def found(self, limit: int) -> Found:
        """Raises WarehouseNeeded, QueryInvalid."""
        if self._is_filtered and self._scope.study_instance_uid is None and not self._is_narrow():
            return self._found_in_warehouse(limit)
        return self._found_in_documents(limit)

    def _is_narrow(self) -> bool:
        return self._series[: self._max_series + 1].count() <= self._max_series

    def _found_in_warehouse(self, limit: int) -> Found:
        search = WarehouseSearch(
            warehouse=self._warehouse,
            store=self._store,
            tenant=self._scope.tenant,
            matches=self._instance_matches,
            series_uids=self._series_named(),
            seconds=self._max_seconds,
        )
        return search.found(self._query.offset, limit, self._answer)

    def _series_named(self) -> list[str] | None:
        """Those that the database leaves, where it is asked. Raises QueryInvalid."""
        keyword = next((each for each, value in self._series_matches.items() if value.strip("*")), None)
        if keyword is None:
            return None
        uids = self._series.order_by().values_list("series_instance_uid", flat=True)
        named = list(islice(uids.iterator(), _MAX_SERIES_NAMED + 1))
        if len(named) > _MAX_SERIES_NAMED:
            raise QueryInvalid(
                keyword,
                f"leaves more than {_MAX_SERIES_NAMED} series, too many to look in for the other keys: "
                "name a study, a patient, an accession number or a date as well",
            )
        return named

    def _found_in_documents(self, limit: int) -> Found:
        first, last = self._query.offset, self._query.offset + limit
        answers: list[bytes] = []
        matching = 0
        for series in self._series.iterator():
            if self._is_filtered:
                for header in self._matching_headers(series):
                    if first <= matching < last:
                        answers.append(self._answer(series, header))
                    matching += 1
            elif matching + series.number_of_instances <= first:
                matching += series.number_of_instances
            elif matching < last:
                lines = self._lines(series)
                page = lines[max(first - matching, 0) : last - matching]
                answers += (self._answer(series, orjson.loads(line)) for line in page)
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

    def _answer(self, series: Series, header: Model) -> bytes:
        if series.pk not in self._models:
            self._models = {series.pk: (selectors.series_model(series), selectors.study_model(series.study))}
        instance_uid = header["00080018"]["Value"][0]
        url = self._scope.retrieve_url(
            series.study.study_instance_uid, series.series_instance_uid, instance_uid
        )
        return answered(
            header, *self._models[series.pk], wanted=self._wanted, query=self._query, retrieve_url=url
        )


def _wanted(scope: Scope) -> frozenset[str]:
    """The tables of the levels that the path does not name already are answered too. PS3.18 10.6.3.3."""
    tags = _INSTANCE_TAGS
    if scope.series_instance_uid is None:
        tags |= SERIES_TAGS
    return tags if scope.study_instance_uid else tags | STUDY_TAGS


def _by_level(matches: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """What the database matches, and what has to be looked for in headers; there * matches everything."""
    above = {keyword: value for keyword, value in matches.items() if keyword in _ABOVE_INSTANCES}
    of_headers = {
        keyword: value
        for keyword, value in matches.items()
        if keyword not in _ABOVE_INSTANCES and value.strip("*")
    }
    return above, of_headers
