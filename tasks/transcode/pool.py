"""The codec pool: codec processes of one worker or web process, started when they are needed first.

Threads share it. An order that hangs, crashes or takes too much memory costs its process, which is killed and
replaced, and nothing else. A pool that is inherited by fork begins empty, with processes of its own.
"""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Final, TypeVar
from weakref import WeakSet

import msgspec

from dicomhub.configuration.pipeline import CodecSettings
from tasks.transcode.codec_link import CodecLink
from tasks.transcode.failure import (
    CodecBusy,
    CodecCrashed,
    CodecOutOfMemory,
    CodecPoolClosed,
    CodecRefused,
    CodecUnavailable,
)
from tasks.transcode.nursery import Nursery
from tasks.transcode.orders import Outcome, Refusal
from tasks.transcode.wire import Message

A = TypeVar("A")
J = TypeVar("J")

WORK: Final = "tasks.transcode.work"
_MIB: Final = 1024 * 1024


class CodecPool:
    """work names the module that does what is ordered; see codec_process."""

    def __init__(self, settings: CodecSettings, *, work: str = WORK) -> None:
        self._settings = settings
        self._work = work
        self._begin()
        _pools.add(self)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._free = threading.Semaphore(self.size)
        self._links: set[CodecLink] = set()
        self._idle: list[CodecLink] = []
        self._nursery: Nursery | None = None
        self._is_closed = False

    @property
    def size(self) -> int:
        return self._settings.processes

    def seconds_for(self, decoded_bytes: int) -> float:
        """How long an order may take that decodes so much."""
        return self._settings.seconds + self._settings.seconds_per_mib * decoded_bytes / _MIB

    def run(
        self,
        order: object,
        answer: type[A],
        *,
        decoded_bytes: int = 0,
        patience_seconds: float | None = None,
    ) -> A:
        """Have an order done in a codec process, and wait for the answer.

        decoded_bytes, what comes of the order once decoded, moves its deadline. patience_seconds bounds the
        wait for a process that is free. Raises CodecTimeout, CodecCrashed, CodecOutOfMemory and CodecRefused,
        each a CodecFailure with outcome and reason; and CodecUnavailable when there is no codec process.
        """
        message = Message(type(order).__name__, msgspec.msgpack.encode(order))
        if not self._free.acquire(timeout=patience_seconds):
            raise CodecBusy(f"all codec processes were busy for {patience_seconds} s")
        try:
            reply = self._perform(message, seconds=self.seconds_for(decoded_bytes))
        finally:
            self._free.release()
        if reply.name == answer.__name__:
            return msgspec.msgpack.decode(reply.body, type=answer)
        refusal = msgspec.msgpack.decode(reply.body, type=Refusal)
        if refusal.outcome is Outcome.OUT_OF_MEMORY:
            raise CodecOutOfMemory(refusal.reason)
        raise CodecRefused(refusal.outcome, refusal.reason)

    def as_completed(self, jobs: Iterable[J], do: Callable[[J], A]) -> Iterator[tuple[J, A]]:
        """Do each job in a thread, so many at once that no process waits; yield as they come.

        jobs are taken from the iterable, by the caller's thread, when there is room for them. What do raises
        is raised here, once those that were begun are done.
        """
        at_once = 2 * self.size
        pending: dict[Future[A], J] = {}
        with ThreadPoolExecutor(at_once, thread_name_prefix="codec") as executor:
            for job in jobs:
                pending[executor.submit(do, job)] = job
                if len(pending) == at_once:
                    yield from _done(pending)
            while pending:
                yield from _done(pending)

    def close(self) -> None:
        """Kill all processes. Orders that are under way end with CodecPoolClosed."""
        with self._lock:
            self._is_closed = True
            busy = self._links.difference(self._idle)
            idle, self._idle = self._idle, []
        for link in busy:
            link.end()  # whoever waits for it closes it
        for link in idle:
            self._end(link)
        if self._nursery:
            self._dismiss(self._nursery)

    def _perform(self, message: Message, *, seconds: float) -> Message:
        link = self._take()
        try:
            link.wait_until_ready()
            return link.perform(message, seconds=seconds)
        except CodecUnavailable:
            self._dismiss(link.nursery)
            raise
        except CodecCrashed:
            if self._is_closed:
                raise CodecPoolClosed("the codec pool was closed") from None
            raise
        finally:
            self._put(link)

    def _take(self) -> CodecLink:
        with self._lock:
            while self._idle:
                link = self._idle.pop()
                if link.is_alive():
                    return link
                self._links.discard(link)
                link.close()
        return self._start()

    def _start(self) -> CodecLink:
        """A process that is about to be ready. Raises CodecUnavailable."""
        with self._lock, _no_fork:
            if self._is_closed:
                raise CodecPoolClosed("the codec pool is closed")
            try:
                link = CodecLink(self._open_nursery(), max_answer_bytes=self._settings.memory_bytes)
            except OSError as error:
                raise CodecUnavailable(f"no codec process could be started: {error}") from error
            self._links.add(link)
            return link

    def _open_nursery(self) -> Nursery:
        if self._nursery is None or not self._nursery.is_alive():
            if self._nursery:
                self._nursery.close()
            memory_bytes, modules = self._settings.memory_bytes, self._settings.modules
            self._nursery = Nursery(self._work, memory_bytes=memory_bytes, modules=modules)
        return self._nursery

    def _dismiss(self, nursery: Nursery) -> None:
        with self._lock:
            if self._nursery is nursery:
                nursery.close()
                self._nursery = None

    def _put(self, link: CodecLink) -> None:
        """Take a process back; one that is spent makes way for another one, which starts meanwhile."""
        with self._lock:
            is_good = not link.is_spent and link.orders < self._settings.orders_per_process
            if is_good and not self._is_closed:
                self._idle.append(link)
                return
        self._end(link)
        if link.pid:  # else it could not even start, and the next would not either
            with suppress(CodecUnavailable):
                self._idle.insert(0, self._start())

    def _end(self, link: CodecLink) -> None:
        link.close()
        with self._lock:
            self._links.discard(link)

    def _forget(self) -> None:
        """In a forked child: the processes are the parent's, and what its other threads hold stays held."""
        for link in self._links:
            link.forget()
        if self._nursery:
            self._nursery.forget()
        self._begin()


def _done(pending: dict[Future[A], J]) -> Iterator[tuple[J, A]]:
    """Those of pending that are done, at least one; they are pending no more."""
    done, _ = wait(pending, return_when=FIRST_COMPLETED)
    for future in done:
        yield pending.pop(future), future.result()


_pools: WeakSet[CodecPool] = WeakSet()
# A fork between the making of a lifeline and its entry in the pool would leave it open in the forked child.
_no_fork = threading.Lock()


def _after_fork_in_child() -> None:
    for pool in _pools:
        pool._forget()  # noqa: SLF001 - of this module
    _no_fork.release()


os.register_at_fork(
    before=_no_fork.acquire, after_in_parent=_no_fork.release, after_in_child=_after_fork_in_child
)

_shared: dict[CodecSettings, CodecPool] = {}
_sharing = threading.Lock()


def shared_pool(settings: CodecSettings) -> CodecPool:
    """The one pool that this process has by these settings."""
    with _sharing:
        if settings not in _shared:
            _shared[settings] = CodecPool(settings)
        return _shared[settings]
