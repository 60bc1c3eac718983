"""The dispatcher: publishes what the writers have cut, and what they left behind.

It runs in a process of its own, so that neither a slow broker nor one that is gone can ever hold up a writer.
"""

import os
import select
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from celery import Celery

from dicomhub.environment import Environment, EnvironmentInvalid
from dicomhub.intake.recovery import recover
from dicomhub.intake.segments import (
    DAMAGED,
    claimed,
    cut_segments,
    keep_damaged,
    mark_published,
    published_segments,
    read_segment,
)
from dicomhub.log import logger
from dicomhub.storage.filesystem import FilesystemStore, open_store
from dicomhub.storage.layout import JOURNAL
from tasks.app import create_app
from tasks.messages import InstanceBatch, MessageMalformed
from tasks.publish import BrokerUnreachable, publish_batch, queue_is_empty
from tasks.route import INDEX

WAIT_SECONDS = 0.5
# Looking for what others left behind reads the whole journal folder and takes locks: not every time.
RECOVER_SECONDS = 5.0
_PIPE_BYTES = 65536


class Dispatcher:
    """Publishes the segments of one store's journal. Several may run at once: a segment is claimed."""

    def __init__(
        self,
        *,
        store: FilesystemStore,
        create_app: Callable[[], Celery],
        republish_seconds: float,
        was_published: Callable[[], None] = lambda: None,
    ) -> None:
        """was_published is called after each batch that the broker has taken."""
        self._store = store
        self._directory = store.absolute(JOURNAL)
        self._directory.mkdir(parents=True, exist_ok=True)
        self._create_app = create_app
        self._app: Celery | None = None
        self._republish_seconds = republish_seconds
        self._was_published = was_published
        self._recovered_at: float | None = None
        self._broker_is_up = True
        self._unmarked: set[Path] = set()  # published, but their names do not say so yet

    @classmethod
    def open(
        cls, environment: Environment, *, was_published: Callable[[], None] = lambda: None
    ) -> "Dispatcher":
        """Open the journal of this store. The broker is connected to when there is something to publish."""
        return cls(
            store=open_store(environment),
            create_app=lambda: create_app(environment.broker_url()),
            republish_seconds=environment.intake.republish_seconds,
            was_published=was_published,
        )

    def run(self, should_stop: Callable[[], bool], wake_fd: int | None, beat: Callable[[], None]) -> None:
        """Publish until told to stop; then once more, for what was cut last."""
        while not should_stop():
            beat()
            self.publish_pending()
            _wait(wake_fd)
        self.publish_pending()

    def publish_pending(self) -> int:
        """Publish what waits, and now and then what was left behind; return how many batches.

        A broker that cannot be reached leaves everything as it is, to be tried again.
        """
        if self._recovered_at is None or time.monotonic() - self._recovered_at > RECOVER_SECONDS:
            self._recovered_at = time.monotonic()
            try:
                self._recover()
            except OSError as error:  # a full disk must not keep what is cut from being published
                logger().error("journal_not_recovered", error=str(error))
        return self._publish(cut_segments(self._directory))

    def _recover(self) -> None:
        recover(self._store)
        overdue = self._overdue()
        # While messages wait in the queue the worker is merely behind, and publishing again would only make
        # it more so. A published batch that is in no queue was lost with the broker's memory.
        if overdue and self._ask_broker(_index_queue_is_empty):
            self._publish(overdue)

    def _overdue(self) -> list[Path]:
        now = time.time()
        return [
            path
            for path in published_segments(self._directory)
            if now - _modified_at(path, default=now) > self._republish_seconds
        ]

    def _publish(self, paths: list[Path]) -> int:
        published = 0
        for path in paths:
            with claimed(path) as is_ours:
                batch = self._read(path) if is_ours else None
                if batch is None:
                    continue
                if path not in self._unmarked:
                    if not self._ask_broker(partial(_publish, batch)):
                        break
                    published += 1
                    self._was_published()
                    logger().info("batch_published", batch=batch.batch_id, instances=len(batch.instances))
                self._mark(path)
        return published

    def _mark(self, path: Path) -> None:
        """Note that a segment is published, now or with the next try: a full disk must not hold up others."""
        try:
            mark_published(path)
        except OSError as error:
            if path not in self._unmarked:
                logger().error("segment_not_marked", segment=path.name, error=str(error))
            self._unmarked.add(path)
        else:
            self._unmarked.discard(path)

    def _read(self, path: Path) -> InstanceBatch | None:
        """The batch of a segment; None, and the segment out of the way, when there is none in it."""
        try:
            segment = read_segment(path)
        except MessageMalformed as error:
            logger().error("journal_segment_damaged", segment=path.name, error=str(error))
            path.rename(path.with_suffix(DAMAGED))
            return None
        if segment.damaged_lines:
            keep_damaged(path)
        if not segment.batch.instances:
            path.unlink()
            return None
        return segment.batch

    def _ask_broker(self, question: Callable[[Celery], bool]) -> bool:
        """Ask, or return False when the broker cannot be reached; say so once, and once when it is back."""
        try:
            if self._app is None:
                self._app = self._create_app()
            answer = question(self._app)
        except (BrokerUnreachable, EnvironmentInvalid) as error:
            if self._broker_is_up:
                logger().warning("broker_unreachable", error=str(error))
            self._broker_is_up = False
            return False
        if not self._broker_is_up:
            logger().info("broker_back")
        self._broker_is_up = True
        return answer


def _publish(batch: InstanceBatch, app: Celery) -> bool:
    publish_batch(app, batch)
    return True


def _index_queue_is_empty(app: Celery) -> bool:
    return queue_is_empty(app, INDEX.queue)


def _modified_at(path: Path, *, default: float) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return default


def _wait(wake_fd: int | None) -> None:
    """Wait a moment, or until a writer pokes."""
    if wake_fd is None:
        time.sleep(WAIT_SECONDS)
        return
    poll = select.poll()
    poll.register(wake_fd, select.POLLIN)
    if poll.poll(WAIT_SECONDS * 1000):
        os.read(wake_fd, _PIPE_BYTES)
