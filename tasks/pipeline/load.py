"""The load stage: what a batch is in the warehouse goes to the spool, whether the warehouse is up or not."""

from celery import shared_task
from django.conf import settings

from dicomhub.archive import selectors, services
from dicomhub.archive.models import Batch
from dicomhub.log import logger
from dicomhub.storage.filesystem import open_store
from tasks.pipeline.batch_rows import batch_rows
from tasks.route import LOAD
from tasks.warehouse.spool import open_spool


@shared_task(name=LOAD.task)
def load(batch_id: str) -> None:
    """Spool the rows of a batch. Delivered twice, it appends them twice, and the warehouse has them once."""
    try:
        batch = selectors.batch(batch_id)
    except Batch.DoesNotExist:
        return  # done: an earlier delivery has passed this stage, the last one
    rows = batch_rows(open_store(settings.ENVIRONMENT), batch)
    open_spool(settings.ENVIRONMENT).append(rows)
    services.batch_reached(batch_id, LOAD.name)
    logger().info("batch_spooled", rows=sum(map(len, rows.values())))
