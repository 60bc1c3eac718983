"""Upkeep of the warehouse, from beat: small files are merged, and old months dropped."""

from celery import shared_task
from django.conf import settings

from dicomhub.log import logger
from tasks.route import COMPACT_WAREHOUSE_TASK
from tasks.warehouse.open import open_warehouse
from tasks.warehouse.port import WarehouseUnavailable


@shared_task(name=COMPACT_WAREHOUSE_TASK)
def compact_warehouse() -> None:
    """Nothing depends on it: what fails now is done the next time."""
    try:
        open_warehouse(settings.ENVIRONMENT.warehouse).compact()
    except WarehouseUnavailable as error:
        logger().warning("warehouse_not_compacted", error=str(error))
