"""What a scrape asks others for: database, broker, SCP. One that does not answer is down, and left out."""

import time
from collections.abc import Callable, Iterator
from typing import Literal

import redis
from django.db import DatabaseError
from django.db.models import Count

from dicomhub.archive.models import Batch
from dicomhub.environment import Environment, EnvironmentInvalid
from dicomhub.exposition import Family, Sample, gauge, render
from tasks.app import KEY_PREFIX
from tasks.route import Queue
from tasks.warehouse.backlog import Backlog, backlogs
from tasks.warehouse.port import LoadStatus
from tasks.warehouse.spool import open_spool

_BROKER_TIMEOUT_SECONDS = 1.0
# The SCP writes once a second.
_SNAPSHOT_MAX_SECONDS = 15.0
# What is done is of no interest here, and is nearly every row.
_STATES = (Batch.State.RUNNING, Batch.State.FAILED)


def gathered(environment: Environment) -> str:
    families = [*_database(), *_broker(environment), *_spool(environment)]
    snapshot = _scp_snapshot(environment)
    up = gauge("dicomhub_scp_up", "1 while the SCP of this host writes its metrics.", snapshot is not None)
    return render([*families, up]) + (snapshot or "")


def _database() -> Iterator[Family]:
    try:
        rows = Batch.objects.filter(state__in=_STATES).order_by().values_list("state")
        numbers = dict(rows.annotate(number=Count("pk")))
    except DatabaseError:
        yield gauge("dicomhub_database_up", "1 when the database answers.", 0)
        return
    yield gauge("dicomhub_database_up", "1 when the database answers.", 1)
    samples = [Sample(numbers.get(state, 0), (("state", str(state)),)) for state in _STATES]
    yield Family("dicomhub_batches", "gauge", "Batches that are not done, by state.", samples)


def _broker(environment: Environment) -> Iterator[Family]:
    try:
        lengths = _queue_lengths(environment.broker_url())
    except (redis.RedisError, EnvironmentInvalid):
        yield gauge("dicomhub_broker_up", "1 when the broker answers.", 0)
        return
    yield gauge("dicomhub_broker_up", "1 when the broker answers.", 1)
    samples = [Sample(length, (("queue", str(queue)),)) for queue, length in lengths.items()]
    yield Family("dicomhub_queue_messages", "gauge", "Messages that wait, by queue.", samples)


def _queue_lengths(broker_url: str) -> dict[Queue, int]:
    broker = redis.Redis.from_url(
        broker_url, socket_connect_timeout=_BROKER_TIMEOUT_SECONDS, socket_timeout=_BROKER_TIMEOUT_SECONDS
    )
    with broker, broker.pipeline(transaction=False) as pipeline:
        for queue in Queue:
            pipeline.llen(f"{KEY_PREFIX}{queue.value}")
        return dict(zip(Queue, pipeline.execute(), strict=True))


def _spool(environment: Environment) -> Iterator[Family]:
    try:
        of_tables = backlogs(open_spool(environment))
    except OSError:
        yield gauge("dicomhub_spool_up", "1 when the warehouse's spool can be read.", 0)
        return
    yield gauge("dicomhub_spool_up", "1 when the warehouse's spool can be read.", 1)
    now = time.time()
    for name, kind, help_text, value in _SPOOL_FAMILIES:
        samples = [Sample(value(one, now), (("table", one.table.name),)) for one in of_tables]
        yield Family(f"dicomhub_spool_{name}", kind, help_text, samples)


_SPOOL_FAMILIES: tuple[
    tuple[str, Literal["counter", "gauge"], str, Callable[[Backlog, float], float]], ...
] = (
    ("rows", "gauge", "Rows that wait for the warehouse.", lambda one, _: one.number_of_rows),
    ("bytes", "gauge", "Bytes of the rows that wait.", lambda one, _: one.size_bytes),
    (
        "oldest_seconds",
        "gauge",
        "How long the oldest row has waited.",
        lambda one, now: 0 if one.oldest_at is None else max(0, now - one.oldest_at.timestamp()),
    ),
    ("dead_rows", "gauge", "Rows that the warehouse refuses.", lambda one, _: one.dead_rows),
    ("failures", "gauge", "Loads in a row that did not go in.", lambda one, _: one.progress.failures),
    (
        "is_misconfigured",
        "gauge",
        "1 when nothing goes in until a person has mended something.",
        lambda one, _: one.progress.status is LoadStatus.MISCONFIGURED,
    ),
    ("loaded_rows_total", "counter", "Rows that have gone in.", lambda one, _: one.progress.loaded_rows),
)


def _scp_snapshot(environment: Environment) -> str | None:
    """None when there is no SCP on this host, or none that still writes."""
    path = environment.scp_metrics_file
    try:
        age_seconds = time.time() - path.stat().st_mtime
        return path.read_text("utf-8") if age_seconds < _SNAPSHOT_MAX_SECONDS else None
    except OSError:
        return None
