"""The programs of an embedded run: the commands of production, with what can be shared shared.

Production runs a worker for each queue, so that one queue cannot starve another. Here the index queue has a
worker, because a search waits for it, and a second one has the others.
"""

import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from dicomhub.embedded.processes import Program
from dicomhub.embedded.redis_server import EmbeddedRedis
from dicomhub.environment import Environment
from tasks.route import Queue

BEAT_SCHEDULE = "beat-schedule"
_MARGIN_SECONDS = 15.0
_WORKER_DRAIN_SECONDS = 35.0  # Celery's worker_soft_shutdown_timeout, and a margin
_WEB_DRAIN_SECONDS = 35.0  # gunicorn's graceful_timeout, and a margin

# Celery warns of running as root on each start; in a container, that is how it runs.
_CELERY = (sys.executable, "-W", "ignore:You're running the worker", "-m", "celery", "--quiet")


@dataclass(frozen=True, slots=True)
class Programs:
    redis: Program | None
    prepare: Program
    scp: Program
    web: Program
    workers: tuple[Program, ...]
    beat: Program
    flower: Program

    @property
    def names(self) -> tuple[str, ...]:
        redis = () if self.redis is None else (self.redis.name,)
        others = (self.prepare, self.scp, self.web, *self.workers, self.beat, self.flower)
        return (*redis, *(program.name for program in others))


def _worker(name: str, queues: list[Queue], environ: Mapping[str, str]) -> Program:
    command = (
        *_CELERY, "--app", "tasks.worker", "worker",
        "--queues", ",".join(queues), "--hostname", f"{name}@%h", "--concurrency", "1",
        # Of use between many workers; here they would only cost a second of the start.
        "--without-mingle", "--without-gossip",
    )  # fmt: skip
    return Program(name, command, environ, stop_seconds=_WORKER_DRAIN_SECONDS)


def _beat(environment: Environment, environ: Mapping[str, str]) -> Program:
    # A process of its own: inside of a worker (--beat) it would outlive that worker's death by SIGKILL.
    schedule = environment.home / "run" / BEAT_SCHEDULE
    command = (*_CELERY, "--app", "tasks.client", "beat", "--schedule", str(schedule), "--pidfile", "")
    return Program("beat", command, environ, stop_seconds=_MARGIN_SECONDS)


def _flower(environ: Mapping[str, str]) -> Program:
    options = ("--address=127.0.0.1", f"--port={environ['FLOWER_PORT']}", "--logging=error")
    command = (*_CELERY, "--app", "tasks.client", "flower", *options)
    return Program("flower", command, environ, stop_seconds=_MARGIN_SECONDS)


def plan_programs(
    environment: Environment, redis: EmbeddedRedis | None, environ: Mapping[str, str]
) -> Programs:
    """environ: what the programs get on top of the launcher's environment, the real ports among it."""
    python = sys.executable
    return Programs(
        redis=None if redis is None else Program("redis", redis.command, {}, stop_seconds=10),
        prepare=Program("prepare", (python, "-m", "dicomhub.embedded.prepare"), environ, stop_seconds=0),
        scp=Program(
            "scp",
            (python, "-m", "scp"),
            environ,
            stop_seconds=environment.scp.drain_seconds + _MARGIN_SECONDS,
            orphan_signal=signal.SIGTERM,
        ),
        web=Program(
            "web",
            (python, "-m", "gunicorn", "--config", "python:dicomhub.web_server", "dicomhub.wsgi"),
            environ,
            stop_seconds=_WEB_DRAIN_SECONDS,
            orphan_signal=signal.SIGTERM,
        ),
        workers=(
            _worker("index", [Queue.INDEX], environ),
            _worker("background", [queue for queue in Queue if queue is not Queue.INDEX], environ),
        ),
        beat=_beat(environment, environ),
        flower=_flower(environ),
    )
