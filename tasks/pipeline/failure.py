"""What becomes of a batch whose stage has failed: the database knows, and the sweeper tries again."""

from typing import Any

from celery.signals import task_failure
from django.db import Error as DatabaseError
from django.db import close_old_connections

from dicomhub.archive import services
from dicomhub.log import logger
from tasks.route import STAGES

_STAGE_OF_TASK = {stage.task: stage.name for stage in STAGES}


@task_failure.connect
def record_failure(
    sender: Any = None, args: tuple[Any, ...] = (), exception: BaseException | None = None, **_: object
) -> None:
    """Note the failure in the batch's row. Also called by the parent of a worker that had to be killed."""
    stage = _STAGE_OF_TASK.get(getattr(sender, "name", ""))
    if stage is None or not args:
        return
    batch_id = args[0]["batch_id"] if isinstance(args[0], dict) else str(args[0])
    error = f"{type(exception).__name__}: {exception}"
    logger().error("stage_failed", batch=batch_id, stage=stage, error=error)
    try:
        close_old_connections()
        services.batch_failed(batch_id, stage, error)
    except DatabaseError as unavailable:
        # The batch stays in the journal or stands still in the database; both are found again.
        logger().error("failure_not_recorded", batch=batch_id, error=str(unavailable))
