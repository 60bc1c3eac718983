"""What keeps a run from starting is said in one line, before anything is started."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.stack import LiveStack, processes_of


def run_to_end(home: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    free_ports = {"SCP_PORT": "0", "WEB_PORT": "0", "FLOWER_PORT": "0"}
    return subprocess.run(
        (sys.executable, "-m", "dicomhub.embedded", "run"),
        env={**os.environ, **free_ports, "DICOMHUB_HOME": str(home), **settings},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize("setting", ["SCP_PORT", "WEB_PORT", "FLOWER_PORT"])
def test_a_port_in_use_is_one_line_that_names_the_setting(home: Path, setting: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run_to_end(home, **{setting: str(port)})
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr == (
        f"Port {port} on 127.0.0.1 is in use: stop what listens there, or set {setting} to another port.\n"
    )
    assert not processes_of(home)


def test_two_ports_in_use_are_two_lines(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        ended = run_to_end(home, SCP_PORT=str(one.getsockname()[1]), WEB_PORT=str(other.getsockname()[1]))
    assert ended.returncode == 1
    assert [line.split()[-4] for line in ended.stderr.splitlines()] == ["SCP_PORT", "WEB_PORT"]


def test_an_address_of_another_machine_is_one_line(home: Path) -> None:
    ended = run_to_end(home, SCP_HOST="192.0.2.1")
    assert ended.returncode == 1
    assert "Cannot assign requested address" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_bad_settings_are_all_named_one_a_line(home: Path) -> None:
    ended = run_to_end(home, SCP_PORT="eleven", LOG_LEVEL="LOUD", REDIS_URL="http://here")
    assert ended.returncode == 2
    assert {line.split("=")[0] for line in ended.stderr.splitlines()} == {
        "SCP_PORT", "LOG_LEVEL", "REDIS_URL",
    }  # fmt: skip


def test_a_second_run_in_the_same_home_is_refused_and_the_first_goes_on(stack: LiveStack) -> None:
    before = stack.state
    ended = run_to_end(stack.home)
    assert ended.returncode == 1
    assert ended.stderr == (
        f"{stack.home} is in use by the run with process id {stack.launcher}: "
        "stop that one, or set DICOMHUB_HOME to another directory.\n"
    )
    assert stack.state == before


def test_a_home_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = run_to_end(tmp_path / "file" / "home")
    assert ended.returncode == 1
    assert (
        ended.stderr == f"DICOMHUB_HOME {tmp_path / 'file' / 'home'} cannot be written to: Not a directory.\n"
    )
