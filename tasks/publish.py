"""Hand a batch to the pipeline, by the names of the stages: no task's code is needed here."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import Celery, chain
from kombu import Queue as KombuQueue
from kombu.exceptions import OperationalError

from tasks.messages import InstanceBatch, batch_to_message
from tasks.route import INDEX, RECEIVED, RETRY_TASK, Queue, Stage, stages_after


class BrokerUnreachable(Exception):
    """The broker did not take what it was given; nothing can be said of whether it arrived."""


def publish_batch(app: Celery, batch: InstanceBatch, *, after: str = RECEIVED) -> None:
    """Publish the chain of the stages that the batch has still before it.

    Only the index stage carries the manifest, the others the batch's id. Raises BrokerUnreachable.
    """
    signatures = [_signature(app, stage, batch) for stage in stages_after(after)]
    if signatures:
        with _broker(app):
            chain(*signatures).apply_async()


def publish_retry(app: Celery) -> None:
    """Have what waits to be transcoded again done. Raises BrokerUnreachable."""
    with _broker(app):
        app.send_task(RETRY_TASK)


def queue_is_empty(app: Celery, queue: Queue) -> bool:
    """Whether no message waits in a queue; those that a worker has taken do not count.

    Raises BrokerUnreachable.
    """
    with _broker(app), app.connection_for_write() as connection:
        connection.ensure_connection(max_retries=1)
        declared: Any = KombuQueue(queue.value, channel=connection.default_channel).queue_declare()
        return bool(declared.message_count == 0)


def _signature(app: Celery, stage: Stage, batch: InstanceBatch) -> Any:
    argument = batch_to_message(batch) if stage is INDEX else batch.batch_id
    return app.signature(
        stage.task,
        args=(argument,),
        immutable=True,
        queue=stage.queue.value,
        # What Flower shows. Celery would look through the manifest to make it, a fifth of all that publishing
        # takes, and cut it off within the first instance.
        argsrepr=f"({batch.batch_id}, {len(batch.instances)} instances)",
    )


@contextmanager
def _broker(app: Celery) -> Iterator[None]:
    connection = app.connection_for_write()
    errors: Any = (OperationalError, *connection.connection_errors, *connection.channel_errors)
    try:
        yield
    except errors as error:
        raise BrokerUnreachable(str(error)) from error
    finally:
        connection.release()
