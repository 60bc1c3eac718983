"""`python -m dicomhub.embedded run`: check first, then start, announce, wait for Ctrl-C, stop."""

import asyncio
import logging
import os
import signal
import sys

from dicomhub.embedded import home
from dicomhub.embedded.addresses import RunningStack, stack_file, write_running_stack
from dicomhub.embedded.announcement import announce, say_how_to_log_in
from dicomhub.embedded.blueprint import Blueprint, NotPossible, draw
from dicomhub.embedded.home import HomeUnavailable
from dicomhub.embedded.output import LineStream, Output, style_for
from dicomhub.embedded.stack import Stack, StackFailed
from dicomhub.environment import Environment
from dicomhub.log import configure, logger
from dicomhub.storage.durable import replace_small

NAME = "launcher"


def run(environment: Environment) -> int:
    """Run the whole stack in the foreground until SIGINT or SIGTERM. Returns the exit code."""
    try:
        held = home.hold(environment.home)
        environment.store_root.mkdir(parents=True, exist_ok=True)
    except HomeUnavailable as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(f"STORE_ROOT {environment.store_root} cannot be made: {error.strerror}.")
    with held:
        try:
            blueprint = draw(environment)
        except NotPossible as error:
            return _refuse(*error.problems)
        return asyncio.run(_Run(environment, blueprint).live())


def _refuse(*problems: str) -> int:
    print(*problems, sep="\n", file=sys.stderr)  # noqa: T201 - a command talks to a terminal
    return 1


class _Run:
    def __init__(self, environment: Environment, blueprint: Blueprint) -> None:
        self._environment = environment
        self._blueprint = blueprint
        self._processes: dict[str, int] = {}
        self._is_ready = False
        self._has_said_how_to_log_in = False
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._output = self._set_up_log()
        self._stack = Stack(blueprint.programs, on_line=self._output.line, on_start=self._started)

    async def live(self) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._asked_to_stop)
        self._write_addresses()
        try:
            return await self._until_asked_to_stop()
        finally:
            await self._stack.stop(self._hurry)
            self._say_how_to_log_in()
            stack_file(self._environment.home).unlink(missing_ok=True)
            if self._blueprint.redis is not None:
                self._environment.embedded_redis_url_file.unlink(missing_ok=True)
            logger().info("stopped")

    async def _until_asked_to_stop(self) -> int:
        starting = asyncio.create_task(self._stack.start(self._blueprint.probes))
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            await asyncio.wait({starting})
            return 0
        try:
            starting.result()
        except StackFailed as error:
            logger().error("start_failed", reason=str(error))
            self._stop.set()
            return 1
        announce(self._blueprint.addresses, home=self._environment.home, stream=sys.stdout)
        self._say_how_to_log_in()
        self._is_ready = True
        self._write_addresses()
        await stopping
        return 0

    def _say_how_to_log_in(self) -> None:
        """Once; and also when the start fails: a password is known only when it is made."""
        administrator = self._stack.administrator
        if administrator is not None and not self._has_said_how_to_log_in:
            self._has_said_how_to_log_in = True
            say_how_to_log_in(administrator, home=self._environment.home, stream=sys.stdout)

    def _asked_to_stop(self) -> None:
        if self._stop.is_set():
            logger().warning("stopping_at_once")
            self._hurry.set()
            return
        logger().info("stopping", hint="Ctrl-C again does not wait")
        self._stop.set()

    def _started(self, name: str, process_id: int) -> None:
        logger().info("process_started", program=name, pid=process_id)
        self._processes[name] = process_id
        try:
            self._write_addresses()
        except OSError as error:  # a full disk; the process runs all the same
            logger().warning("addresses_not_written", reason=error.strerror)

    def _write_addresses(self) -> None:
        if self._blueprint.redis is not None:
            replace_small(
                self._environment.embedded_redis_url_file,
                f"{self._blueprint.redis.url}\n".encode("ascii"),
                mode=0o600,
            )
        running = RunningStack(os.getpid(), self._blueprint.addresses, self._is_ready, self._processes)
        write_running_stack(self._environment.home, running)

    def _set_up_log(self) -> Output:
        programs = self._blueprint.programs
        configure(NAME, log_format=self._environment.log_format, level=self._environment.log_level)
        output = Output(
            sys.stderr,
            (NAME, *programs.names),
            style=style_for(sys.stderr, log_format=self._environment.log_format, environ=os.environ),
        )
        for handler in logging.getLogger().handlers:
            if isinstance(handler, logging.StreamHandler):
                handler.setStream(LineStream(output, NAME))
        logging.getLogger("asyncio").setLevel(logging.WARNING)
        return output
