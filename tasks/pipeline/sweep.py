"""The sweeper: whatever the broker, a worker or a host has dropped is driven on."""

from datetime import UTC, datetime, timedelta

from celery import current_app, shared_task
from django.conf import settings

from dicomhub.archive import selectors, services
from dicomhub.archive.models import Batch
from dicomhub.intake.dispatcher import Dispatcher
from dicomhub.log import logger
from dicomhub.transcoding.selectors import awaiting_retry
from dicomhub.transcoding.services import prune_attempts
from tasks.messages import MessageMalformed
from tasks.publish import BrokerUnreachable, publish_batch, publish_retry, queue_is_empty
from tasks.route import SWEEP_TASK, Queue, stages_after


@shared_task(name=SWEEP_TASK)
def sweep() -> None:
    """Publish what the journal still holds, resume batches that stand still, forget what is old."""
    environment = settings.ENVIRONMENT
    # The SCP's dispatcher does this too; imports and STOW-RS on a host without an SCP rely on this one.
    Dispatcher.open(environment).publish_pending()
    for batch in selectors.stuck_batches():
        try:
            _resume(batch)
        except MessageMalformed as error:  # its manifest is of another version, or damaged
            services.batch_failed(batch.batch_id, stages_after(batch.stage)[0].name, str(error))
        except BrokerUnreachable as error:
            logger().warning("broker_unreachable", error=str(error))
            break
    _drive_retries()
    now = datetime.now(UTC)
    services.prune_batches(now - timedelta(days=environment.batch_retention_days))
    prune_attempts(now - timedelta(days=environment.transcode_log_retention_days))


def _drive_retries() -> None:
    """What is to be transcoded again, should its message have been lost, or never been sent."""
    try:
        if awaiting_retry().exists() and queue_is_empty(current_app, Queue.TRANSCODE):
            publish_retry(current_app)
    except BrokerUnreachable as error:
        logger().warning("broker_unreachable", error=str(error))


def _resume(batch: Batch) -> None:
    """Publish a batch again, from where it stands.

    One that has not failed is left alone while messages wait in the queue of its next stage: the workers are
    merely behind. With the queue empty and no news its message was lost, or is with a worker that was killed.
    The stages are idempotent, so being wrong about that costs a little work.
    """
    next_stage = stages_after(batch.stage)[0]
    if batch.state == Batch.State.RUNNING and not queue_is_empty(current_app, next_stage.queue):
        return
    publish_batch(current_app, selectors.batch(batch.batch_id), after=batch.stage)
    services.batch_resumed(batch.batch_id)
    logger().info("batch_resumed", batch=batch.batch_id, stage=batch.stage, attempts=batch.attempts)
