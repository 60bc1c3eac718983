"""One managed process, with small programs of the shell in the place of servers."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path

import pytest

from dicomhub.embedded.processes import ManagedProcess, Program, run_to_end


class Watched:
    """A managed process, and what it has said and started."""

    def __init__(self, script: str, *, stop_seconds: float = 10.0) -> None:
        self.lines: list[str] = []
        self.pids: list[int] = []
        self.started_at: list[float] = []
        program = Program("it", ("/bin/sh", "-c", script), {}, stop_seconds=stop_seconds)
        self.process = ManagedProcess(
            program,
            on_line=lambda _, line: self.lines.append(line),
            on_start=self._started,
        )
        self.hurry = asyncio.Event()

    def _started(self, _: str, pid: int) -> None:
        self.pids.append(pid)
        self.started_at.append(time.monotonic())

    async def stop(self) -> None:
        await self.process.stop(self.hurry)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(120):
        while not condition():  # noqa: ASYNC110 - processes end without an event of ours
            await asyncio.sleep(0.01)


def live(watched_test: Callable[[], Awaitable[None]]) -> None:
    async def with_deadline() -> None:
        async with asyncio.timeout(300):
            await watched_test()

    asyncio.run(with_deadline())


def exists(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def test_one_that_dies_is_started_again_each_time_later() -> None:
    async def facts() -> None:
        it = Watched("echo here; exit 3")
        running = asyncio.create_task(it.process.run())
        await until(lambda: len(it.pids) >= 4)
        await it.stop()
        await running
        gaps = [later - earlier for earlier, later in pairwise(it.started_at[:4])]
        assert all(gap > delay * 0.9 for gap, delay in zip(gaps, (0.25, 0.5, 1.0), strict=True))
        assert it.process.failures >= 3
        assert it.lines[:3] == ["here"] * 3

    live(facts)


def test_one_that_stops_when_asked_is_not_started_again() -> None:
    async def facts() -> None:
        it = Watched("trap 'echo drained; exit 0' TERM; echo up; while :; do sleep 0.05; done")
        running = asyncio.create_task(it.process.run())
        await until(lambda: "up" in it.lines)
        await it.stop()
        await running
        assert it.lines == ["up", "drained"]
        assert len(it.pids) == 1

    live(facts)


@pytest.mark.parametrize("is_in_a_hurry", [False, True])
def test_one_that_ignores_being_asked_is_killed_with_its_children(*, is_in_a_hurry: bool) -> None:
    async def facts() -> None:
        it = Watched(
            "trap '' TERM; sleep 1000 & echo $!; wait; wait", stop_seconds=60 if is_in_a_hurry else 0.2
        )
        running = asyncio.create_task(it.process.run())
        await until(lambda: it.lines)
        child = int(it.lines[0])
        if is_in_a_hurry:
            it.hurry.set()
        await it.stop()
        await running
        await until(lambda: not exists(it.pids[0]) and not exists(child))

    live(facts)


def test_what_a_killed_one_leaves_behind_has_gone_before_the_next_is_started() -> None:
    async def facts() -> None:
        it = Watched("sleep 1000 & echo $!; wait")
        running = asyncio.create_task(it.process.run())
        await until(lambda: it.lines)
        child = int(it.lines[0])
        os.kill(it.pids[0], signal.SIGKILL)
        await until(lambda: len(it.pids) == 2)
        assert not exists(child)
        await it.stop()
        await running

    live(facts)


def test_a_program_that_is_not_there_is_tried_again_and_can_be_stopped() -> None:
    async def facts() -> None:
        it = Watched("")
        it.process.program = Program("it", ("/nowhere/it",), {}, stop_seconds=1)
        running = asyncio.create_task(it.process.run())
        await until(lambda: it.process.failures >= 2)
        await it.stop()
        await running

    live(facts)


def test_a_program_that_ends_gives_its_output_and_its_errors_are_log_lines() -> None:
    lines: list[str] = []

    async def facts() -> None:
        program = Program("once", ("/bin/sh", "-c", "echo out; echo error >&2; exit 4"), {}, stop_seconds=0)
        ended = await run_to_end(program, on_line=lambda name, line: lines.append(f"{name}: {line}"))
        assert ended == (4, b"out\n")

    live(facts)
    assert lines == ["once: error"]


def test_a_child_ends_with_a_launcher_that_is_killed(tmp_path: Path) -> None:
    """In a process of its own: it is the launcher here that has to die."""
    script = f"""
import asyncio, os, signal
from dicomhub.embedded.processes import ManagedProcess, Program

def started(name, pid):
    open({str(tmp_path / "pid")!r}, "w").write(str(pid))
    os.kill(os.getpid(), signal.SIGKILL)

program = Program("it", ("/bin/sleep", "1000"), {{}}, stop_seconds=1)
asyncio.run(ManagedProcess(program, on_line=print, on_start=started).run())
"""

    async def facts() -> None:
        launcher = await asyncio.create_subprocess_exec(sys.executable, "-c", script)
        assert await launcher.wait() == -signal.SIGKILL
        child = int((tmp_path / "pid").read_text())
        await until(lambda: not exists(child))

    live(facts)
