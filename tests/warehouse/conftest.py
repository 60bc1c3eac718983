"""The warehouses that the contract is tried on."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from dicomhub.environment import read_environment
from tasks.warehouse.open import open_warehouse
from tasks.warehouse.port import Warehouse


@contextmanager
def parquet_warehouse(folder: Path) -> Iterator[Warehouse]:
    yield open_warehouse(read_environment({"DICOMHUB_HOME": str(folder)}).warehouse)


# An implementation opens a warehouse of its own, without tables, that lives as long as the block.
IMPLEMENTATIONS: dict[str, Callable[[Path], AbstractContextManager[Warehouse]]] = {
    "parquet": parquet_warehouse,
}


@pytest.fixture(params=IMPLEMENTATIONS)
def empty_warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Warehouse]:
    """Where initialise was not called yet."""
    with IMPLEMENTATIONS[request.param](tmp_path) as warehouse:
        yield warehouse


@pytest.fixture
def warehouse(empty_warehouse: Warehouse) -> Warehouse:
    empty_warehouse.initialise()
    return empty_warehouse
