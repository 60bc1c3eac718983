"""The warehouses that the contract is tried on."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from dicomhub.environment import read_environment
from tasks.warehouse.doris import DorisWarehouse
from tasks.warehouse.doris_address import read_doris_address
from tasks.warehouse.doris_connections import DorisConnections
from tasks.warehouse.open import open_warehouse
from tasks.warehouse.port import Warehouse
from tests.support.doris.cluster import running_doris


@contextmanager
def parquet_warehouse(folder: Path) -> Iterator[Warehouse]:
    yield open_warehouse(read_environment({"DICOMHUB_HOME": str(folder)}).warehouse)


@contextmanager
def doris_double(folder: Path) -> Iterator[Warehouse]:
    with running_doris() as doris:
        warehouse = open_warehouse(read_environment({"WAREHOUSE_URL": doris.url()}).warehouse)
        assert isinstance(warehouse, DorisWarehouse)
        yield warehouse
        warehouse.close()


@contextmanager
def doris_cluster(folder: Path) -> Iterator[Warehouse]:
    """A Doris that somebody has: `make doris-check`. A database of this test's own, dropped after it."""
    address = replace(read_doris_address(os.environ["DORIS_URL"]), database=f"dicomhub_check_{uuid4().hex}")
    warehouse = DorisWarehouse(address, log_retention_months=24)
    try:
        yield warehouse
    finally:
        warehouse.close()
        DorisConnections(address).execute(f"DROP DATABASE IF EXISTS `{address.database}` FORCE")


# An implementation opens a warehouse of its own, without tables, that lives as long as the block.
IMPLEMENTATIONS: dict[str, Callable[[Path], AbstractContextManager[Warehouse]]] = {
    "parquet": parquet_warehouse,
    "doris": doris_double,
}
if "DORIS_URL" in os.environ:
    IMPLEMENTATIONS["doris-cluster"] = doris_cluster


@pytest.fixture(params=IMPLEMENTATIONS)
def empty_warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Warehouse]:
    """Where initialise was not called yet."""
    with IMPLEMENTATIONS[request.param](tmp_path) as warehouse:
        yield warehouse


@pytest.fixture
def warehouse(empty_warehouse: Warehouse) -> Warehouse:
    empty_warehouse.initialise()
    return empty_warehouse
