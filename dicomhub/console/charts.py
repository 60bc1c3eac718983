"""What the dashboard draws of a figure, as console/charts.js takes it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from dicomhub.archive.pages.text import NOTHING
from dicomhub.console.figures.figure import Figure, Kind, Period
from dicomhub.console.figures.written import written

# More colours than this cannot be told apart; the rest is one series.
_SERIES_SHOWN = 7
_BARS_SHOWN = 12


class Shape(StrEnum):
    COLUMNS = "columns"
    BARS = "bars"
    LINE = "line"


@dataclass(frozen=True, slots=True)
class Series:
    name: str
    values: tuple[float, ...]
    is_rest: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """Each series has a value a label. What a chart shows is also in its figure's table."""

    title: str
    shape: Shape
    unit: Kind
    labels: tuple[str, ...]
    series: tuple[Series, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def charts_of(figure: Figure, period: Period) -> tuple[Chart, ...]:
    """None of a figure without rows, and of one that is best read as a table."""
    if not figure.rows:
        return ()
    match figure.name:
        case "received_by_modality":
            return _by_day(figure, figure.values("modality"), period)
        case "received_by_source":
            ways = zip(figure.values("calling_ae_title"), figure.values("source"), strict=True)
            return _by_day(figure, [ae_title or way for ae_title, way in ways], period)
        case "reads":
            return (_reads(figure),)
        case name:
            return (_plain(figure, *_PLAIN[name]),) if name in _PLAIN else ()


_PLAIN: Mapping[str, tuple[Shape, str, str]] = {
    "stores_by_hour": (Shape.COLUMNS, "hour", "instances"),
    "transfer_syntaxes": (Shape.BARS, "name", "instances"),
    "growth": (Shape.LINE, "day", "total_bytes"),
    "retrieve_p95": (Shape.BARS, "resource", "p95_milliseconds"),
    "transcode_failures": (Shape.BARS, "outcome", "attempts"),
}


def _by_day(figure: Figure, names: Sequence[str | None], period: Period) -> tuple[Chart, ...]:
    """Instances and bytes, stacked, every day of the period a column; a name has one colour in both."""
    days, labels = figure.values("day"), tuple(map(date.isoformat, period.days))
    measures = (
        ("Instances a day", Kind.COUNT, figure.values("instances")),
        ("Bytes a day", Kind.BYTES, figure.values("size_bytes")),
    )
    shares: Counter[str] = Counter()
    for _, _, numbers in measures:
        whole = sum(numbers) or 1
        for name, number in zip(names, numbers, strict=True):
            shares[name or NOTHING] += number / whole
    return tuple(
        Chart(
            title,
            Shape.COLUMNS,
            unit,
            labels,
            _stacked(period.days, shares, list(zip(days, names, numbers, strict=True))),
        )
        for title, unit, numbers in measures
    )


def _reads(figure: Figure) -> Chart:
    columns = (figure.values(name) for name in ("user_name", "status", "requests"))
    cells = [
        (user or "nobody signed in", status, count) for user, status, count in zip(*columns, strict=True)
    ]
    of_user: Counter[str] = Counter()
    of_status: Counter[str] = Counter()
    for user, status, requests in cells:
        of_user[user] += requests
        of_status[status] += requests
    users = [user for user, _ in of_user.most_common(_BARS_SHOWN)]
    return Chart("Requests", Shape.BARS, Kind.COUNT, tuple(users), _stacked(users, of_status, cells))


def _plain(figure: Figure, shape: Shape, label: str, value: str) -> Chart:
    """A single series; of rows with one label the values are added up."""
    label_column, value_column = (figure.columns[figure.position(name)] for name in (label, value))
    totals: Counter[str] = Counter()
    for key, number in zip(figure.values(label), figure.values(value), strict=True):
        totals[written(label_column, key)] += number
    shown = totals.most_common(_BARS_SHOWN) if shape is Shape.BARS else list(totals.items())
    series = Series(value_column.title, tuple(number for _, number in shown))
    return Chart(value_column.title, shape, value_column.kind, tuple(name for name, _ in shown), (series,))


def _stacked(
    places: Sequence[Any], weights: "Counter[str]", cells: list[tuple[Any, str | None, int]]
) -> tuple[Series, ...]:
    """A series a name, the weightiest first; what is beyond the colours is one."""
    by_place: Counter[tuple[Any, str]] = Counter()
    for place, name, value in cells:
        by_place[place, name or NOTHING] += value
    names = [name for name, _ in weights.most_common()]
    shown, rest = names[:_SERIES_SHOWN], names[_SERIES_SHOWN:]
    series = [Series(name, tuple(by_place[place, name] for place in places)) for name in shown]
    if rest:
        others = tuple(sum(by_place[place, name] for name in rest) for place in places)
        name = rest[0] if len(rest) == 1 else f"others ({len(rest)})"
        series.append(Series(name, others, is_rest=True))
    return tuple(series)
