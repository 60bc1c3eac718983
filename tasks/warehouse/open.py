"""The warehouse that the settings name."""

from pathlib import Path

from dicomhub.environment import WarehouseSettings
from tasks.warehouse.parquet import ParquetWarehouse
from tasks.warehouse.port import Warehouse


def open_warehouse(settings: WarehouseSettings) -> Warehouse:
    """Touches neither network nor disk yet: the first question does."""
    return ParquetWarehouse(
        Path(settings.url.removeprefix("parquet://")),
        memory_bytes=settings.memory_bytes,
        threads=settings.threads,
        log_retention_months=settings.log_retention_months,
    )
