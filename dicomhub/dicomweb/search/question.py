"""A search, divided: what the database matches, and what is to be looked for in headers.

There is no table of instances. What a key of the patient, study or series leaves of the archive decides how
many documents would have to be read; where these are too many, the warehouse is asked.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import orjson
from django.db.models import QuerySet

from dicomhub.archive import selectors
from dicomhub.archive.models import Series
from dicomhub.dicomweb.search.header_query import header_matches, is_exact
from dicomhub.dicomweb.search.matching import instance_filter
from dicomhub.dicomweb.search.query import QueryInvalid, SearchQuery
from dicomhub.dicomweb.search.rows import Level, Model, Within
from dicomhub.metadata.series import read_first_instance, read_series
from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.storage.layout import SeriesKey
from tasks.warehouse.port import QueryTooLong, Warehouse, WarehouseUnavailable
from tasks.warehouse.queries import QueryName

# Beside which the warehouse can be told in which series to look: Doris takes no more values at once.
_MAX_SERIES_NAMED: Final = 10_000
# The database knows which SOP Classes a series has, and not which instance is of which.
_SOP_CLASS: Final = "SOPClassUID"


class WarehouseNeeded(Exception):
    """Only the warehouse can match this key, and it gives no answer. reason says why, for the log."""

    def __init__(self, parameter: str, reason: str, *, is_too_long: bool) -> None:
        super().__init__(f"{parameter}: {reason}")
        self.parameter = parameter
        self.reason = reason
        self.is_too_long = is_too_long


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What searches look into. max_series: of how many series they may read the documents.

    max_seconds: what a query to the warehouse may take.
    """

    store: FilesystemStore
    warehouse: Warehouse
    max_series: int
    max_seconds: float


class Question:
    """Raises QueryInvalid, MatchInvalid. of_rows and of_headers: keyword to value."""

    def __init__(self, sources: Sources, within: Within, query: SearchQuery, level: Level) -> None:
        self.sources = sources
        self.within = within
        self.query = query
        self.of_rows, self.of_headers = _divided(query.matches, level)
        self.is_match = instance_filter(self.of_headers, query.rules)

    @property
    def is_of_headers(self) -> bool:
        return bool(self.of_headers)

    def series(self) -> QuerySet[Series]:
        """Those that the database leaves. Raises MatchInvalid, MatchUnsupported."""
        within = self.within
        found = selectors.series_matching(
            within.tenant, self.of_rows, within.study_instance_uid, self.query.rules
        )
        if within.series_instance_uid is not None:
            found = found.filter(series_instance_uid=within.series_instance_uid)
        return found

    def is_for_warehouse(self) -> bool:
        """Whether more documents would have to be read than may be."""
        if not self.of_headers or self.within.study_instance_uid is not None:
            return False
        return self.series()[: self.sources.max_series + 1].count() > self.sources.max_series

    def series_in_order(self) -> Iterator[Series]:
        """As the answer has them: by their UIDs where it might come from the warehouse, which sorts so."""
        if not self.of_headers or self.within.study_instance_uid is not None:
            return self.series().iterator()
        return iter(
            sorted(self.series(), key=lambda row: (row.study.study_instance_uid, row.series_instance_uid))
        )

    def lines(self, series: Series) -> Sequence[bytes]:
        return read_series(self.sources.store, _key(series), is_fresh=series.is_document_fresh).lines

    def matching_headers(self, series: Series) -> Iterator[Model]:
        return filter(self.is_match, map(orjson.loads, self.lines(series)))

    def first_header(self, series: Series) -> Model:
        line = read_first_instance(self.sources.store, _key(series), is_fresh=series.is_document_fresh)
        return {} if line is None else orjson.loads(line)

    def is_known_by_warehouse(self, series: Series) -> bool:
        """Whether what the warehouse says of a series is true, who compares less exactly."""
        return is_exact(self.of_headers, self.query.rules) or any(True for _ in self.matching_headers(series))

    def warehouse_rows(self, name: QueryName, **page: int) -> Sequence[tuple[Any, ...]]:
        """Raises WarehouseNeeded, QueryInvalid."""
        named = self._series_named()
        if named is not None and not named:
            return ()
        parameters = {
            "tenant": self.within.tenant,
            "study_instance_uid": None,
            "series_instance_uids": named,
            "matches": header_matches(self.of_headers, self.query.rules),
            **page,
        }
        try:
            return self.sources.warehouse.query(name, parameters, seconds=self.sources.max_seconds).rows
        except WarehouseUnavailable as error:
            parameter = next(iter(self.of_headers))
            is_too_long = isinstance(error, QueryTooLong)
            raise WarehouseNeeded(parameter, str(error), is_too_long=is_too_long) from error

    def warehouse_page(self, page: QueryName, count: QueryName, limit: int) -> tuple[Sequence[Any], int]:
        """The rows of a page, and how many there are behind it. Raises WarehouseNeeded, QueryInvalid."""
        offset = self.query.offset
        rows = self.warehouse_rows(page, limit=limit + 1, offset=offset)
        if len(rows) <= limit:
            return rows, 0
        ((total,),) = self.warehouse_rows(count)
        return rows[:limit], max(total - offset - limit, 1)

    def _series_named(self) -> list[str] | None:
        """Those that the database leaves, where it is asked. Raises QueryInvalid."""
        keyword = next((each for each, value in self.of_rows.items() if value.strip("*")), None)
        if keyword is None:
            return None
        uids = self.series().order_by().values_list("series_instance_uid", flat=True)
        named = list(islice(uids.iterator(), _MAX_SERIES_NAMED + 1))
        if len(named) > _MAX_SERIES_NAMED:
            raise QueryInvalid(
                keyword,
                f"leaves more than {_MAX_SERIES_NAMED} series, too many to look in for the other keys: "
                "name a study, a patient, an accession number or a date as well",
            )
        return named


def _key(series: Series) -> SeriesKey:
    return SeriesKey(series.tenant_name, series.study.study_instance_uid, series.series_instance_uid)


def _divided(matches: Mapping[str, str], level: Level) -> tuple[dict[str, str], dict[str, str]]:
    """A value of nothing but * matches everything, in a header even what is not there."""
    of_rows = {keyword: value for keyword, value in matches.items() if keyword in selectors.MATCHED}
    of_headers = {
        keyword: value for keyword, value in matches.items() if keyword not in of_rows and value.strip("*")
    }
    if level == "instances" and of_rows.get(_SOP_CLASS, "").strip("*"):
        of_headers[_SOP_CLASS] = of_rows[_SOP_CLASS]
    return of_rows, of_headers
