"""A Doris double of a test's own, and the warehouse on it."""

from collections.abc import Iterator

import pytest

from tasks.warehouse.doris import DorisWarehouse
from tasks.warehouse.doris_address import read_doris_address
from tests.support.doris.cluster import DorisDouble, running_doris


def warehouse_at(url: str) -> DorisWarehouse:
    return DorisWarehouse(read_doris_address(url), log_retention_months=24)


@pytest.fixture
def doris() -> Iterator[DorisDouble]:
    """With the tables."""
    with running_doris(frontends=2) as double:
        warehouse = warehouse_at(double.url())
        warehouse.initialise()
        yield double
        warehouse.close()


@pytest.fixture
def warehouse(doris: DorisDouble) -> Iterator[DorisWarehouse]:
    opened = warehouse_at(doris.url())
    yield opened
    opened.close()
