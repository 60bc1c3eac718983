"""All figures, read from the warehouse: what the dashboard and `manage.py stats` show."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from typing import Any

from dicomhub.console.figures.figure import Column, Figure, Kind, Period
from dicomhub.console.figures.forecast import forecast
from dicomhub.environment import Environment
from dicomhub.standard.transfer_syntax import TRANSFER_SYNTAXES
from dicomhub.storage.filesystem import open_store
from tasks.warehouse.port import Warehouse
from tasks.warehouse.queries import QueryName

LARGEST_STUDIES = 10
FORECAST_DAYS = 90

_DAY = Column("day", Kind.DAY, "Day (UTC)")
_INSTANCES = Column("instances", Kind.COUNT, "Instances")
_SIZE = Column("size_bytes", Kind.BYTES, "Size")


def _text(name: str, title: str) -> Column:
    return Column(name, Kind.TEXT, title)


def _count(name: str, title: str) -> Column:
    return Column(name, Kind.COUNT, title)


@dataclass(frozen=True, slots=True)
class Scope:
    """tenant: a name, or None for all. room_bytes: what the store's disk has free above its reserve."""

    period: Period
    tenant: str | None
    room_bytes: int


def scope(environment: Environment, number_of_days: int, tenant: str | None) -> Scope:
    """Up to today. Raises OSError when the store cannot be reached."""
    room_bytes = open_store(environment).free_bytes() - environment.intake.disk_reserve_bytes
    return Scope(Period(datetime.now(UTC).date(), number_of_days), tenant, room_bytes)


class FigureReader:
    """Asks within a scope. Every question raises WarehouseUnavailable."""

    def __init__(self, warehouse: Warehouse, scope: Scope) -> None:
        self._warehouse = warehouse
        self._scope = scope
        self._period = scope.period

    def figures(self) -> tuple[Figure, ...]:
        """In the order in which they are shown; the first sums the others up, in a single row."""
        details = (
            self._received_by_modality(),
            self._received_by_source(),
            self._stores_by_hour(),
            syntaxes := self._transfer_syntaxes(),
            self._growth(sum(syntaxes.values("size_bytes"))),
            self._largest_studies(),
            self._reads(),
            self._retrieve_p95(),
            self._transcode_failures(),
            self._tables(),
        )
        return _summary({figure.name: figure for figure in details}), *details

    def _asked(self, name: QueryName, **parameters: Any) -> tuple[tuple[Any, ...], ...]:
        return self._warehouse.query(name, {"tenant": self._scope.tenant, **parameters}).rows

    def _happened(self, name: QueryName) -> tuple[tuple[Any, ...], ...]:
        return self._asked(name, since=self._period.since, until=self._period.until)

    def _received_by_modality(self) -> Figure:
        return Figure(
            "received_by_modality",
            "Received, by modality",
            (_DAY, _text("modality", "Modality"), _INSTANCES, _SIZE),
            self._happened(QueryName.RECEIVED_BY_MODALITY),
        )

    def _received_by_source(self) -> Figure:
        return Figure(
            "received_by_source",
            "Received, by source",
            (_DAY, _text("source", "Way"), _text("calling_ae_title", "Calling AE title"), _INSTANCES, _SIZE),
            self._happened(QueryName.RECEIVED_BY_SOURCE),
        )

    def _stores_by_hour(self) -> Figure:
        rows = self._happened(QueryName.STORES_BY_HOUR)
        return Figure(
            "stores_by_hour",
            "Received, by hour of the day",
            (Column("hour", Kind.HOUR, "Hour (UTC)"), _INSTANCES, _SIZE),
            _filled(rows, range(24)) if rows else (),
        )

    def _transfer_syntaxes(self) -> Figure:
        return Figure(
            "transfer_syntaxes",
            "Transfer syntaxes of what is archived",
            (_text("transfer_syntax_uid", "UID"), _text("name", "Transfer syntax"), _INSTANCES, _SIZE),
            tuple((uid, _syntax(uid), *rest) for uid, *rest in self._asked(QueryName.TRANSFER_SYNTAXES)),
        )

    def _growth(self, archived_bytes: int) -> Figure:
        rows = _filled(self._happened(QueryName.GROWTH), self._period.days) if archived_bytes else ()
        before = archived_bytes - sum(size_bytes for *_, size_bytes in rows)
        totals = list(accumulate((size_bytes for *_, size_bytes in rows), initial=before))[1:]
        return Figure(
            "growth",
            "Growth of the archive",
            (_DAY, _INSTANCES, _SIZE, Column("total_bytes", Kind.BYTES, "Archive's size")),
            tuple((*row, total) for row, total in zip(rows, totals, strict=True)),
            self._forecast(),
        )

    def _forecast(self) -> str:
        """Of all tenants, for they share the disk; today, which is not over, left out."""
        today = self._period.last
        window = Period(today - timedelta(days=1), FORECAST_DAYS)
        asked = {"tenant": None, "since": window.since, "until": window.until}
        rows = self._warehouse.query(QueryName.GROWTH, asked).rows
        since_first = [day for day in window.days if rows and day >= rows[0][0]]
        bytes_by_day = [size_bytes for *_, size_bytes in _filled(rows, since_first)]
        return forecast(bytes_by_day, room_bytes=self._scope.room_bytes, today=today)

    def _largest_studies(self) -> Figure:
        return Figure(
            "largest_studies",
            "Largest studies",
            (
                _text("tenant", "Tenant"),
                _text("study_instance_uid", "Study Instance UID"),
                Column("study_date", Kind.DAY, "Study date"),
                _text("study_description", "Description"),
                _text("modalities", "Modalities"),
                _count("series", "Series"),
                _INSTANCES,
                _SIZE,
            ),
            self._asked(QueryName.LARGEST_STUDIES, limit=LARGEST_STUDIES),
        )

    def _reads(self) -> Figure:
        return Figure(
            "reads",
            "DICOMweb requests, by user and status",
            (
                _text("user_name", "User"),
                _text("status", "Status"),
                _count("requests", "Requests"),
                Column("bytes_sent", Kind.BYTES, "Sent"),
            ),
            tuple(
                (user, str(status), *rest) for user, status, *rest in self._happened(QueryName.READS_BY_USER)
            ),
        )

    def _retrieve_p95(self) -> Figure:
        return Figure(
            "retrieve_p95",
            "DICOMweb: 95 % were answered within",
            (
                _text("resource", "Resource"),
                _count("requests", "Requests"),
                Column("p95_milliseconds", Kind.MILLISECONDS, "95 % within"),
            ),
            self._happened(QueryName.RETRIEVE_P95),
        )

    def _transcode_failures(self) -> Figure:
        """Attempts that brought no bytes."""
        return Figure(
            "transcode_failures",
            "Transcoding that failed",
            (
                _text("outcome", "Outcome"),
                _text("reason", "Reason"),
                _text("source", "From"),
                _text("target", "To"),
                _count("attempts", "Attempts"),
                Column("seconds", Kind.SECONDS, "Spent"),
            ),
            tuple(
                (outcome, reason, _syntax(source), _syntax(target), attempts, seconds)
                for outcome, reason, source, target, attempts, seconds, _, bytes_out in self._happened(
                    QueryName.TRANSCODE_OUTCOMES
                )
                if not bytes_out
            ),
        )

    def _tables(self) -> Figure:
        return Figure(
            "tables",
            "Rows in the warehouse",
            (_text("table_name", "Table"), _count("row_count", "Rows")),
            self._asked(QueryName.ROWS),
        )


def _summary(details: dict[str, Figure]) -> Figure:
    numbers = (
        ("received_by_modality", "instances", _count("received_instances", "Instances received")),
        ("received_by_modality", "size_bytes", Column("received_bytes", Kind.BYTES, "Bytes received")),
        ("transfer_syntaxes", "instances", _count("archived_instances", "Instances archived")),
        ("transfer_syntaxes", "size_bytes", Column("archived_bytes", Kind.BYTES, "Archive's size")),
        ("reads", "requests", _count("requests", "DICOMweb requests")),
        ("transcode_failures", "attempts", _count("transcode_failures", "Transcodings failed")),
    )
    return Figure(
        "summary",
        "Summary",
        tuple(column for *_, column in numbers),
        (tuple(sum(details[name].values(summed)) for name, summed, _ in numbers),),
    )


def _filled(rows: Iterable[tuple[Any, ...]], keys: Iterable[date | int]) -> tuple[tuple[Any, ...], ...]:
    """A row a key, with nothing in it where there was none."""
    by_key = {key: (instances, size_bytes) for key, instances, size_bytes in rows}
    return tuple((key, *by_key.get(key, (0, 0))) for key in keys)


def _syntax(uid: str) -> str:
    return TRANSFER_SYNTAXES[uid].name if uid in TRANSFER_SYNTAXES else uid
