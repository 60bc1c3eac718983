"""The dashboard's figures are the same, whichever warehouse is asked."""

from datetime import UTC, datetime, timedelta

from dicomhub.console.figures.figure import Period
from dicomhub.console.figures.reading import FigureReader, Scope
from tasks.warehouse.port import Warehouse
from tests.support.warehouse_filling import fill, noon

PERIOD = Period(datetime.now(UTC).date(), 30)


def figures(
    warehouse: Warehouse, tenant: str | None = None, period: Period = PERIOD
) -> dict[str, list[tuple]]:
    read = FigureReader(warehouse, Scope(period, tenant, room_bytes=10**9)).figures()
    return {figure.name: list(figure.rows) for figure in read}


def test_figures_are_those_of_the_rows(warehouse: Warehouse) -> None:
    fill(warehouse)
    read = figures(warehouse)
    yesterday, before = noon(1).date(), noon(3).date()
    assert read["summary"] == [(32, 25_018, 37, 25_053, 104, 2)]
    assert read["received_by_modality"] == [
        (before, "CT", 10, 5000),
        (yesterday, "CR", 2, 18),
        (yesterday, "CT", 20, 20_000),
    ]
    assert read["received_by_source"] == [
        (before, "dimse", "SCANNER", 10, 5000),
        (yesterday, "dimse", "SCANNER", 20, 20_000),
        (yesterday, "stow", None, 2, 18),
    ]
    assert read["stores_by_hour"] == [(hour, *((32, 25_018) if hour == 12 else (0, 0))) for hour in range(24)]
    assert read["growth"][-4:] == [
        (before, 10, 5000, 5035),
        (before + timedelta(days=1), 0, 0, 5035),
        (yesterday, 22, 20_018, 25_053),
        (yesterday + timedelta(days=1), 0, 0, 25_053),
    ]
    assert [row[4:] for row in read["largest_studies"]] == [
        ("CT\\SR", 2, 30, 30_000),
        ("MR", 1, 5, 5000),
        ("CT", 1, 2, 2000),
    ]
    assert read["reads"] == [("ada", "200", 101, 101_000), ("bob", "404", 3, 3000)]
    assert read["retrieve_p95"] == [("instance", 101, 95.0)]
    [failure] = read["transcode_failures"]
    assert failure[:2] == ("crashed", "the decoder ended by signal 11")
    assert failure[4:] == (2, 0.5)
    assert dict(read["tables"])["wado_access_log"] == 104


def test_figures_keep_to_their_tenant_and_time(warehouse: Warehouse) -> None:
    fill(warehouse)
    assert figures(warehouse, "other")["summary"] == [(2, 18, 2, 18, 0, 0)]
    assert figures(warehouse, period=Period(PERIOD.last, 90))["summary"][0][:2] == (37, 25_053)
    assert figures(warehouse, period=Period(noon(2).date(), 1))["summary"] == [(0, 0, 37, 25_053, 0, 0)]
    assert figures(warehouse, "nobody")["summary"] == [(0, 0, 0, 0, 0, 0)]
