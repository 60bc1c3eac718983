"""The warehouse that the settings name."""

from functools import lru_cache
from pathlib import Path

from dicomhub.configuration.pipeline import WarehouseSettings
from dicomhub.environment import EnvironmentInvalid
from tasks.warehouse.doris import DorisWarehouse
from tasks.warehouse.doris_address import DorisAddressInvalid, read_doris_address
from tasks.warehouse.parquet import ParquetWarehouse
from tasks.warehouse.port import Warehouse


def open_warehouse(settings: WarehouseSettings) -> Warehouse:
    """Talks to nobody and writes nothing yet: the first question does.

    Raises EnvironmentInvalid for a doris:// address that says what Doris does not have.
    """
    if settings.url.startswith("doris:"):
        try:
            address = read_doris_address(settings.url)
        except DorisAddressInvalid as error:
            raise EnvironmentInvalid([f"WAREHOUSE_URL=doris://...: {error}"]) from None
        return DorisWarehouse(address, log_retention_months=settings.log_retention_months)
    return ParquetWarehouse(
        Path(settings.url.removeprefix("parquet://")),
        memory_bytes=settings.memory_bytes,
        threads=settings.threads,
        log_retention_months=settings.log_retention_months,
    )


@lru_cache(maxsize=1)
def shared_warehouse(settings: WarehouseSettings) -> Warehouse:
    """One a process, for any number of threads: it keeps its connections, and what it knows of the files.

    Raises EnvironmentInvalid.
    """
    return open_warehouse(settings)
