"""One managed process: started, its output read, started again when it dies, stopped when asked."""

import asyncio
import contextlib
import ctypes
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass

from dicomhub.embedded.output import LineSplitter
from dicomhub.log import logger

FIRST_DELAY_SECONDS = 0.25
LONGEST_DELAY_SECONDS = 30.0
SETTLED_SECONDS = 30.0  # a process that lived this long has no part in the failures before it
LEFTOVERS_SECONDS = 5.0

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)

OnLine = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Program:
    """What to run under which name, and how it ends.

    stop_seconds: how long it may take to drain after SIGTERM before it is killed. orphan_signal: what the
    kernel sends it when the launcher is gone; SIGTERM for those that have children of their own to end.
    """

    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str]
    stop_seconds: float
    orphan_signal: signal.Signals = signal.SIGKILL


class ManagedProcess:
    """Runs a program until it is told to stop.

    The program leads a process group of its own: a Ctrl-C on the terminal reaches the launcher alone, and
    what a killed one leaves behind can be found and ended.
    """

    def __init__(self, program: Program, *, on_line: OnLine, on_start: Callable[[str, int], None]) -> None:
        self.program = program
        self.failures = 0  # in a row
        self._on_line = on_line
        self._on_start = on_start
        self._stopping = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self._log = logger(program=program.name)

    async def run(self) -> None:
        """Keep the program running. Returns after stop."""
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            started = loop.time()
            try:
                reason = _describe_end(await self._run_once())
            except OSError as error:
                reason = f"could not be started: {error.strerror}"
            if self._stopping.is_set():
                return
            self.failures = 1 if loop.time() - started > SETTLED_SECONDS else self.failures + 1
            delay = min(FIRST_DELAY_SECONDS * 2 ** (self.failures - 1), LONGEST_DELAY_SECONDS)
            self._log.error("process_died", reason=reason, restart_seconds=delay)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay)

    async def stop(self, hurry: asyncio.Event) -> None:
        """Let the program drain, and kill it when that takes too long or when there is a hurry."""
        self._stopping.set()
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        if not await _first_of(process.wait(), hurry.wait(), seconds=self.program.stop_seconds):
            self._log.warning("process_killed", reason="it did not stop", seconds=self.program.stop_seconds)
        _signal_group(process.pid, signal.SIGKILL)
        await process.wait()
        self._log.info("process_stopped")

    async def _run_once(self) -> int:
        async with _lines_to(self.program.name, self._on_line) as writable:
            process = await _start(self.program, stdout=writable, stderr=writable)
            self._process = process
            self._on_start(self.program.name, process.pid)
            if self._stopping.is_set():  # asked to stop while it was being started
                process.terminate()
            return_code = await process.wait()
            await _end_leftovers(process.pid)
        return return_code


def end_with(parent: int, orphan_signal: signal.Signals) -> bool:
    """Have the kernel send us this signal when our parent ends. False when it is gone already."""
    _libc.prctl(_PR_SET_PDEATHSIG, int(orphan_signal))
    return os.getppid() == parent


async def run_to_end(program: Program, *, on_line: OnLine) -> tuple[int, bytes]:
    """Run a program that ends by itself; its exit code and standard output. Cancelled, it is killed."""
    async with _lines_to(program.name, on_line) as writable:
        process = await _start(program, stdout=subprocess.PIPE, stderr=writable)
        try:
            standard_output, _ = await process.communicate()
        finally:
            _signal_group(process.pid, signal.SIGKILL)
    return await process.wait(), standard_output


async def _start(program: Program, *, stdout: int, stderr: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *program.command,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        env={**os.environ, **program.environ},
        start_new_session=True,
        preexec_fn=_bound_to_this_process(program.orphan_signal),
    )


def _bound_to_this_process(orphan_signal: signal.Signals) -> Callable[[], None]:
    """Return what a child runs between fork and exec."""
    launcher = os.getpid()

    def bind() -> None:
        if not end_with(launcher, orphan_signal):
            os._exit(1)

    return bind


@contextlib.asynccontextmanager
async def _lines_to(name: str, on_line: OnLine) -> AsyncIterator[int]:
    """Yield a descriptor for a process to write to; whole lines of it go to on_line.

    The pipe is not asyncio's: that would tie the end of the process to the end of its output, which
    descendants of a killed process can hold open.
    """
    readable, writable = os.pipe()
    reading = asyncio.create_task(_read_lines(readable, name, on_line))
    try:
        yield writable
    finally:
        os.close(writable)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(reading, LEFTOVERS_SECONDS)


async def _read_lines(readable: int, name: str, on_line: OnLine) -> None:
    reader = asyncio.StreamReader()
    pipe = os.fdopen(readable, "rb", buffering=0)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), pipe
    )
    splitter = LineSplitter()
    try:
        while data := await reader.read(65536):
            for line in splitter.feed(data):
                on_line(name, line)
    finally:
        transport.close()
        for line in splitter.end():
            on_line(name, line)


async def _end_leftovers(group: int) -> None:
    """End what a dead process has left in its group: it may hold the port that the next one needs."""
    if not _signal_group(group, signal.SIGTERM):
        return
    loop = asyncio.get_running_loop()
    deadline = loop.time() + LEFTOVERS_SECONDS
    while _signal_group(group, 0) and loop.time() < deadline:  # noqa: ASYNC110 - nobody tells of their end
        await asyncio.sleep(0.05)
    _signal_group(group, signal.SIGKILL)


def _signal_group(group: int, number: int) -> bool:
    """Tell whether there was anyone to signal."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _describe_end(return_code: int) -> str:
    if return_code >= 0:
        return f"exit code {return_code}"
    with contextlib.suppress(ValueError):
        return signal.Signals(-return_code).name
    return f"signal {-return_code}"


async def _first_of(*awaitables: Awaitable[object], seconds: float) -> bool:
    """Wait for the first of these; False when none came in time."""
    tasks = [asyncio.ensure_future(awaitable) for awaitable in awaitables]
    done, pending = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    return bool(done)
