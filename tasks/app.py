"""How the Celery application is set up, for those who publish and those who work."""

from celery import Celery

from tasks.route import (
    COMPACT_WAREHOUSE_TASK,
    DELETIONS_TASK,
    LOAD_SPOOL_TASK,
    RETRY_TASK,
    STAGES,
    SWEEP_TASK,
    Queue,
)

# A message comes back after this long when its worker vanished without a word; it must exceed the hard limit
# of a task by the time that a prefetched message waits. A worker whose connection is seen to close gives its
# messages back at once.
VISIBILITY_TIMEOUT_SECONDS = 3600
TASK_SOFT_LIMIT_SECONDS = 540
TASK_HARD_LIMIT_SECONDS = 600
SWEEP_INTERVAL_SECONDS = 10.0
# A table gets at most one load in this time: many small ones are what a warehouse suffers from.
LOAD_INTERVAL_SECONDS = 5.0
COMPACTION_INTERVAL_SECONDS = 300.0
# Before every key of ours in Redis.
KEY_PREFIX = "dicomhub:"


def _routes() -> dict[str, dict[str, str]]:
    routes = {stage.task: {"queue": stage.queue.value} for stage in STAGES}
    routes[SWEEP_TASK] = {"queue": Queue.MAINTENANCE.value}
    routes[DELETIONS_TASK] = {"queue": Queue.MAINTENANCE.value}
    routes[COMPACT_WAREHOUSE_TASK] = {"queue": Queue.COMPACTION.value}
    routes[LOAD_SPOOL_TASK] = {"queue": Queue.LOAD.value}
    routes[RETRY_TASK] = {"queue": Queue.TRANSCODE.value}
    return routes


def create_app(broker_url: str) -> Celery:
    """Build an application that talks to this Redis. See docs/architecture.md for the delivery policy."""
    app = Celery("dicomhub", broker=broker_url)
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_acks_on_failure_or_timeout=True,
        worker_prefetch_multiplier=1,
        worker_send_task_events=True,
        task_send_sent_event=True,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        task_publish_retry_policy={
            "max_retries": 3,
            "interval_start": 0,
            "interval_step": 0.2,
            "interval_max": 1,
        },
        worker_cancel_long_running_tasks_on_connection_loss=True,
        worker_soft_shutdown_timeout=30,
        task_soft_time_limit=TASK_SOFT_LIMIT_SECONDS,
        task_time_limit=TASK_HARD_LIMIT_SECONDS,
        worker_max_tasks_per_child=1000,
        worker_max_memory_per_child=1_000_000,  # KiB
        worker_hijack_root_logger=False,
        broker_transport_options={
            "visibility_timeout": VISIBILITY_TIMEOUT_SECONDS,
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            "socket_timeout": 30,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            "health_check_interval": 25,
            "global_keyprefix": KEY_PREFIX,
        },
        task_default_queue=Queue.MAINTENANCE.value,
        task_routes=_routes(),
        timezone="UTC",
        beat_schedule={
            "sweep": {
                "task": SWEEP_TASK,
                "schedule": SWEEP_INTERVAL_SECONDS,
                # A sweep that waited behind another has nothing left to do.
                "options": {"expires": SWEEP_INTERVAL_SECONDS},
            },
            "deletions": {
                "task": DELETIONS_TASK,
                "schedule": SWEEP_INTERVAL_SECONDS,
                "options": {"expires": SWEEP_INTERVAL_SECONDS},
            },
            "load-spool": {
                "task": LOAD_SPOOL_TASK,
                "schedule": LOAD_INTERVAL_SECONDS,
                "options": {"expires": LOAD_INTERVAL_SECONDS},
            },
            "compact-warehouse": {
                "task": COMPACT_WAREHOUSE_TASK,
                "schedule": COMPACTION_INTERVAL_SECONDS,
                "options": {"expires": COMPACTION_INTERVAL_SECONDS},
            },
        },
    )
    return app
