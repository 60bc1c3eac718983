"""The transcode stage: what viewers cannot decode gets a rendition, or a record of why it has none."""

import time
from collections import Counter

from celery import current_app, shared_task, signals
from celery.exceptions import Ignore
from django.conf import settings
from django.db import Error as DatabaseError

from dicomhub.archive import selectors, services
from dicomhub.archive.models import Batch
from dicomhub.log import logger
from dicomhub.storage.filesystem import open_store
from dicomhub.transcoding import candidates
from dicomhub.transcoding.running import run
from dicomhub.transcoding.selectors import invalid_policies
from tasks.messages import InstanceBatch
from tasks.pipeline.codecs import HARD_LIMIT_SECONDS, POOL, RUN_SECONDS, SOFT_LIMIT_SECONDS
from tasks.pipeline.heartbeat import heartbeat
from tasks.publish import publish_batch
from tasks.route import METADATA, TRANSCODE
from tasks.transcode.candidate import Candidate, Status
from tasks.transcode.transcoder import Transcoder


@shared_task(
    name=TRANSCODE.task,
    soft_time_limit=SOFT_LIMIT_SECONDS,
    time_limit=HARD_LIMIT_SECONDS,
    # A worker that was lost over it is to be asked again by the sweeper, which counts, and not by the broker,
    # which does not.
    reject_on_worker_lost=False,
)
def transcode(batch_id: str) -> None:
    """Transcode what the batch brought. What an earlier run has done, or given up, is left alone.

    After RUN_SECONDS the batch is published anew, from this stage on, for others to have their turn.
    """
    try:
        batch = selectors.batch(batch_id)
    except Batch.DoesNotExist:
        return  # it has passed all stages
    waiting = candidates.of_batch(batch.instances)
    if waiting and not _is_complete(batch, waiting):
        publish_batch(current_app, batch, after=METADATA.name)
        # What follows in the chain comes with the message that was just published.
        raise Ignore
    services.batch_reached(batch_id, TRANSCODE.name)


def _is_complete(batch: InstanceBatch, waiting: list[Candidate]) -> bool:
    environment = settings.ENVIRONMENT
    with heartbeat(batch.batch_id):
        transcoder = Transcoder(
            open_store(environment),
            POOL,
            reserve_bytes=environment.intake.disk_reserve_bytes,
            deadline=time.monotonic() + RUN_SECONDS,
        )
        reports = run(transcoder, POOL, waiting, batch=batch.batch_id)
        statuses = Counter(report.status for report in reports)
    logger().info("batch_transcoded", **{status.name.lower(): number for status, number in statuses.items()})
    return statuses.total() == len(waiting) and not statuses[Status.DUE]


@signals.worker_ready.connect
def report_invalid_policies(**_: object) -> None:
    """Say at the start what would fail each batch of a tenant."""
    try:
        invalid = invalid_policies()
    except DatabaseError as error:
        logger().warning("transcode_policies_not_checked", error=str(error))
        return
    for policy in invalid:
        logger().error("transcode_policy_invalid", tenant=policy.tenant, error=str(policy))
