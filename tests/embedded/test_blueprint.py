import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from dicomhub.embedded.blueprint import Blueprint, draw
from dicomhub.embedded.processes import Program
from dicomhub.embedded.stack import GIVE_UP_FAILURES, Stack, StackFailed
from dicomhub.environment import read_environment
from tasks.route import Queue

FREE_PORTS = {"SCP_PORT": "0", "WEB_PORT": "0", "FLOWER_PORT": "0"}


def blueprint(home: Path, **settings: str) -> Blueprint:
    drawn = draw(read_environment({**FREE_PORTS, "DICOMHUB_HOME": str(home), **settings}))
    for reservation in drawn.reservations:
        reservation.close()
    return drawn


def test_every_queue_has_a_worker_and_none_has_two(home: Path) -> None:
    commands = [worker.command for worker in blueprint(home).programs.workers]
    queues = [queue for command in commands for queue in command[command.index("--queues") + 1].split(",")]
    assert sorted(queues) == sorted(queue.value for queue in Queue)


def test_a_redis_that_is_named_is_used_and_none_is_started(home: Path) -> None:
    url = "redis://broker.example:6379/3"
    drawn = blueprint(home, REDIS_URL=url)
    assert drawn.programs.redis is None
    assert "redis" not in drawn.probes
    assert drawn.addresses.redis_url == url
    assert drawn.programs.scp.environ["REDIS_URL"] == url
    assert not (home / "redis").exists()


def test_the_ports_that_were_found_free_are_those_that_the_programs_are_told(home: Path) -> None:
    drawn = blueprint(home)
    told = drawn.programs.web.environ
    assert drawn.addresses.scp_port == int(told["SCP_PORT"]) > 0
    assert drawn.addresses.web_url.endswith(f":{told['WEB_PORT']}")
    assert drawn.addresses.flower_url.endswith(f":{told['FLOWER_PORT']}")


def test_a_start_is_given_up_when_a_process_cannot_live(home: Path) -> None:
    administrator = json.dumps({"username": "admin", "password": "shown"})
    drawn = blueprint(home, REDIS_URL="redis://127.0.0.1:1/0")
    idle = {
        name: Program(name, ("/bin/sleep", "1000"), {}, stop_seconds=5) for name in ("web", "beat", "flower")
    }
    programs = replace(
        drawn.programs,
        prepare=Program("prepare", ("/bin/echo", administrator), {}, stop_seconds=0),
        scp=Program("scp", ("/bin/false",), {}, stop_seconds=5),
        workers=(),
        **idle,
    )

    async def facts() -> None:
        stack = Stack(programs, on_line=lambda *_: None, on_start=lambda *_: None)
        with pytest.raises(StackFailed, match=f"^scp died {GIVE_UP_FAILURES} times"):
            await stack.start(drawn.probes)
        assert stack.administrator is not None
        assert stack.administrator.password == "shown"
        await stack.stop(asyncio.Event())

    asyncio.run(facts())
