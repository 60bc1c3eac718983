"""Hand a batch to the pipeline, by the names of the stages: no task's code is needed here."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import Celery, chain
from kombu.exceptions import OperationalError

from tasks.messages import InstanceBatch, batch_to_message
from tasks.route import STAGES, Stage, stages_after


class BrokerUnreachable(Exception):
    """The broker did not take what it was given; nothing can be said of whether it arrived."""


def publish_batch(app: Celery, batch: InstanceBatch) -> None:
    """Publish the whole chain. Only its first stage carries the manifest, the later ones the batch's id.

    Raises BrokerUnreachable.
    """
    first, *later = STAGES
    head = _signature(app, first, batch_to_message(batch))
    with _broker(app):
        chain(head, *(_signature(app, stage, batch.batch_id) for stage in later)).apply_async()


def resume_batch(app: Celery, batch_id: str, *, after: str) -> None:
    """Publish the stages that come after the one that the batch has reached. Raises BrokerUnreachable."""
    remaining = [_signature(app, stage, batch_id) for stage in stages_after(after)]
    if remaining:
        with _broker(app):
            chain(*remaining).apply_async()


def first_queue_is_empty(app: Celery) -> bool:
    """Whether no batch waits for the first stage. Raises BrokerUnreachable."""
    with _broker(app), app.connection_for_write() as connection:
        connection.ensure_connection(max_retries=1)
        queue = app.amqp.queues[STAGES[0].queue.value].bind(connection.default_channel)
        declared: Any = queue.queue_declare()
        return bool(declared.message_count == 0)


def _signature(app: Celery, stage: Stage, argument: Any) -> Any:
    return app.signature(stage.task, args=(argument,), immutable=True, queue=stage.queue.value)


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
