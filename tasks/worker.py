"""The application of the workers: the stages, and Django below them."""

import logging
import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dicomhub.settings")

from celery import signals
from kombu import Queue as KombuQueue
from structlog.contextvars import bind_contextvars, unbind_contextvars

from dicomhub import log
from dicomhub.environment import read_environment
from tasks.app import create_app
from tasks.route import Queue

_environment = read_environment()

app = create_app(_environment.broker_url())
app.conf.update(
    task_queues=[KombuQueue(queue.value) for queue in Queue],
    imports=[
        "tasks.pipeline.index",
        "tasks.pipeline.metadata",
        "tasks.pipeline.transcode",
        "tasks.pipeline.retry",
        "tasks.pipeline.load",
        "tasks.pipeline.load_spool",
        "tasks.pipeline.sweep",
        "tasks.pipeline.deletions",
        "tasks.pipeline.compact_warehouse",
        "tasks.pipeline.failure",
    ],
)


@signals.setup_logging.connect
def configure_logging(**_: object) -> None:
    log.configure("worker", log_format=_environment.log_format, level=_environment.log_level)
    # A line for each task that comes and one that goes says nothing that the stages do not say themselves.
    for name in ("celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(name).setLevel(logging.WARNING)


@signals.task_prerun.connect
def bind_task(task_id: str, task: Any, args: tuple[Any, ...], **_: object) -> None:
    """Put task and batch into every line that is logged while the task runs."""
    bind_contextvars(task=task.name, task_id=task_id)
    if args:
        bind_contextvars(batch=args[0]["batch_id"] if isinstance(args[0], dict) else args[0])


@signals.task_postrun.connect
def unbind_task(**_: object) -> None:
    unbind_contextvars("task", "task_id", "batch")
