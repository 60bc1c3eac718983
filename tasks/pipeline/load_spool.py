"""The loader's turn: beat sends it on its way every few seconds."""

import time

from celery import shared_task
from django.conf import settings
from django.db import Error as DatabaseError

from dicomhub.log import logger
from tasks.app import TASK_SOFT_LIMIT_SECONDS
from tasks.pipeline.transcode_log import spool_attempts
from tasks.route import LOAD_SPOOL_TASK
from tasks.warehouse.loader import Loader
from tasks.warehouse.open import open_warehouse
from tasks.warehouse.spool import SpoolFull, open_spool

# No load is begun later than this; one may take a while.
_RUN_SECONDS = TASK_SOFT_LIMIT_SECONDS / 4


@shared_task(name=LOAD_SPOOL_TASK)
def load_spool() -> None:
    """Load what is due, of the spool that this host sees. What a run leaves undone is the next one's."""
    environment = settings.ENVIRONMENT
    end = time.monotonic() + _RUN_SECONDS
    spool = open_spool(environment)
    try:
        spool_attempts(spool)
    except (SpoolFull, OSError, DatabaseError) as error:  # what is in the spool can be loaded all the same
        logger().error("attempts_not_spooled", error=str(error))
    loader = Loader(spool, open_warehouse(environment.warehouse), environment.warehouse)
    try:
        loader.run(should_stop=lambda: time.monotonic() > end)
    except OSError as error:  # the disk is full, say: everything stays as it is until it is not
        logger().error("spool_not_loaded", error=str(error))
