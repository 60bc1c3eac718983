"""The sweeper: whatever the broker, a worker or a host has dropped is driven on."""

from datetime import UTC, datetime, timedelta

from celery import current_app, shared_task
from django.conf import settings

from dicomhub.archive import selectors, services
from dicomhub.intake.dispatcher import Dispatcher
from dicomhub.log import logger
from tasks.publish import publish_batch
from tasks.route import SWEEP_TASK


@shared_task(name=SWEEP_TASK, ignore_result=True)
def sweep() -> None:
    """Publish what the journal still holds, resume batches that stand still, forget the old ones."""
    environment = settings.ENVIRONMENT
    # The SCP's dispatcher does this too; imports and STOW-RS on a host without an SCP rely on this one.
    Dispatcher.open(environment).publish_pending()
    for batch in selectors.stuck_batches():
        services.batch_resumed(batch.batch_id)
        publish_batch(current_app, selectors.batch(batch.batch_id), after=batch.stage)
        logger().info("batch_resumed", batch=batch.batch_id, stage=batch.stage, attempts=batch.attempts)
    services.prune_batches(datetime.now(UTC) - timedelta(days=environment.batch_retention_days))
