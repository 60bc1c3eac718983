"""The whole of an embedded run: started in order, watched until it answers, stopped in order."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterable, Mapping

from dicomhub.embedded.administrator import Administrator
from dicomhub.embedded.processes import ManagedProcess, OnLine, Program, run_to_end
from dicomhub.embedded.programs import Programs
from dicomhub.embedded.readiness import Probe, until_ready
from dicomhub.log import logger

GIVE_UP_FAILURES = 5  # in a row, of a process in a run that has never been ready
WATCH_SECONDS = 0.2
REPORT_SECONDS = 15.0


class StackFailed(Exception):
    """The run cannot become ready; the message says why."""


class Stack:
    """on_start is told the name and the process id of each process, each time that it is started."""

    def __init__(self, programs: Programs, *, on_line: OnLine, on_start: Callable[[str, int], None]) -> None:
        self.administrator: Administrator | None = None  # known once the database is prepared
        self._programs = programs
        self._on_line = on_line
        self._on_start = on_start
        self._processes: dict[str, ManagedProcess] = {}
        self._running: list[asyncio.Task[None]] = []

    async def start(self, probes: Mapping[str, Probe]) -> None:
        """Start everything and return once it answers. probes: by name of program. Raises StackFailed."""
        starting = asyncio.create_task(self._start_in_order(probes))
        try:
            while not starting.done():
                await asyncio.wait({starting}, timeout=WATCH_SECONDS)
                self._raise_for_hopeless()
            await starting
        finally:
            starting.cancel()
            with contextlib.suppress(asyncio.CancelledError, StackFailed):
                await starting

    async def stop(self, hurry: asyncio.Event) -> None:
        """Stop everything: who brings work before who does it, the broker in between them last."""
        programs = self._programs
        groups: tuple[tuple[Program | None, ...], ...] = (
            (programs.scp,),
            (programs.web, programs.beat, programs.flower),
            programs.workers,
            (programs.redis,),
        )
        for group in groups:
            names = [program.name for program in group if program is not None]
            await asyncio.gather(
                *(self._processes[name].stop(hurry) for name in names if name in self._processes)
            )
        await asyncio.gather(*self._running)

    async def _start_in_order(self, probes: Mapping[str, Probe]) -> None:
        programs = self._programs
        if programs.redis is not None:
            self._launch([programs.redis])
            await self._until_ready(probes, ["redis"])
        # They need no database: they load their code while the database is made.
        self._launch([programs.beat, programs.flower])
        self.administrator = await self._prepare()
        self._launch([programs.scp, programs.web, *programs.workers])
        await self._until_ready(probes, probes)

    def _launch(self, programs: Iterable[Program]) -> None:
        for program in programs:
            process = ManagedProcess(program, on_line=self._on_line, on_start=self._on_start)
            self._processes[program.name] = process
            self._running.append(asyncio.create_task(process.run()))

    async def _prepare(self) -> Administrator:
        exit_code, standard_output = await run_to_end(self._programs.prepare, on_line=self._on_line)
        if exit_code != 0:
            raise StackFailed("The database could not be prepared: see the lines above.")
        return Administrator(**json.loads(standard_output.splitlines()[-1]))

    async def _until_ready(self, probes: Mapping[str, Probe], names: Iterable[str]) -> None:
        waiting = {name: asyncio.create_task(until_ready(probes[name])) for name in names}
        try:
            while unready := [name for name, task in waiting.items() if not task.done()]:
                done, _ = await asyncio.wait(
                    [waiting[name] for name in unready],
                    timeout=REPORT_SECONDS,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if not done:
                    logger().warning("not_ready_yet", waiting_for=unready)
        finally:
            for task in waiting.values():
                task.cancel()

    def _raise_for_hopeless(self) -> None:
        for name, process in self._processes.items():
            if process.failures >= GIVE_UP_FAILURES:
                raise StackFailed(f"{name} died {process.failures} times in a row: see its lines above.")
