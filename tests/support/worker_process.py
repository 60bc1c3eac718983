"""A worker of a test's own, which can be killed and started again."""

import os
import subprocess
import sys
from pathlib import Path

from celery import Celery

from tasks.route import Queue
from tests.support.waiting import wait_until


class Worker:
    """`celery -A tasks.worker worker` on all queues."""

    def __init__(self, variables: dict[str, str], app: Celery, log: Path) -> None:
        self._variables = variables
        self._app = app
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = (sys.executable, "-m", "celery", "--app", "tasks.worker", "worker")
        queues = (
            "--queues",
            ",".join(Queue),
            "--concurrency",
            "1",
            "--hostname",
            "test@%h",
        )
        quiet = ("--without-mingle", "--without-gossip")  # there is no other worker to talk to
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                (*command, *queues, *quiet),
                env=os.environ | self._variables,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(lambda: self._app.control.ping(timeout=0.5), what="the worker answers")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """Kill the worker and its child at once."""
        assert self._process is not None
        os.killpg(self._process.pid, 9)
        self._process.wait()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def log(self) -> str:
        return self._log.read_text("utf-8")
