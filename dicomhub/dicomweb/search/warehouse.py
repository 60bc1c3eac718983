"""Instances by their headers across the archive: the warehouse finds them, the archive has the last word.

A row comes to the warehouse some seconds after its instance, and stays when the instance is taken away. So
what it finds is answered only if the series is in the database, the file in the store, the header a match.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from dicomhub.archive import selectors
from dicomhub.archive.models import Series
from dicomhub.dicomweb.search.header_query import header_matches
from dicomhub.dicomweb.search.matching import instance_filter
from dicomhub.dicomweb.search.rows import Found, Model
from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.storage.layout import instance_path
from tasks.warehouse.port import QueryTooLong, Warehouse, WarehouseUnavailable
from tasks.warehouse.queries import QueryName


class WarehouseNeeded(Exception):
    """Only the warehouse can match this key, and it gives no answer. reason says why, for the log."""

    def __init__(self, parameter: str, reason: str, *, is_too_long: bool) -> None:
        super().__init__(f"{parameter}: {reason}")
        self.parameter = parameter
        self.reason = reason
        self.is_too_long = is_too_long


@dataclass(frozen=True, slots=True, kw_only=True)
class WarehouseSearch:
    """matches: keyword to value. series_uids: the only series to look in; None: all of the tenant.

    seconds: what a query may take.
    """

    warehouse: Warehouse
    store: FilesystemStore
    tenant: str
    matches: Mapping[str, str]
    series_uids: Sequence[str] | None
    seconds: float

    def found(self, offset: int, limit: int, answer: Callable[[Series, Model], bytes]) -> Found:
        """Additional counts rows of the warehouse. Raises WarehouseNeeded."""
        if self.series_uids is not None and not self.series_uids:
            return Found((), 0)
        rows = self._rows(QueryName.INSTANCES_BY_HEADER, limit=limit + 1, offset=offset)
        additional = 0
        if len(rows) > limit:
            ((total,),) = self._rows(QueryName.COUNT_BY_HEADER)
            additional = max(total - offset - limit, 1)
        return Found(self._answers(rows[:limit], answer), additional)

    def _rows(self, name: QueryName, **page: int) -> Sequence[tuple[Any, ...]]:
        parameters = {
            "tenant": self.tenant,
            "study_instance_uid": None,
            "series_instance_uids": self.series_uids,
            "matches": header_matches(self.matches),
            **page,
        }
        try:
            return self.warehouse.query(name, parameters, seconds=self.seconds).rows
        except WarehouseUnavailable as error:
            parameter = next(iter(self.matches))
            is_too_long = isinstance(error, QueryTooLong)
            raise WarehouseNeeded(parameter, str(error), is_too_long=is_too_long) from error

    def _answers(
        self, rows: Sequence[tuple[Any, ...]], answer: Callable[[Series, Model], bytes]
    ) -> list[bytes]:
        series = selectors.series_by_uids(self.tenant, {(study, series) for study, series, _, _ in rows})
        is_match = instance_filter(self.matches)
        answers = []
        for study_uid, series_uid, instance_uid, header in rows:
            row = series.get((study_uid, series_uid))
            if row is None or not self._is_archived(study_uid, series_uid, instance_uid):
                continue
            model = orjson.loads(header)
            if is_match(model):
                answers.append(answer(row, model))
        return answers

    def _is_archived(self, study_uid: str, series_uid: str, instance_uid: str) -> bool:
        return self.store.absolute(instance_path(self.tenant, study_uid, series_uid, instance_uid)).is_file()
