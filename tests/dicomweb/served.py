"""A real gunicorn over a store and a database of its own."""

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import requests

_START_SECONDS = 120


@dataclass(frozen=True)
class Server:
    home: Path
    url: str
    pid: int

    @property
    def store_root(self) -> Path:
        return self.home / "store"

    @property
    def dicomweb(self) -> str:
        return f"{self.url}/dicom-web"

    def worker_pid(self) -> int:
        (pid,) = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return int(pid)


def environment_of(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    return kept | {
        "DICOMHUB_HOME": str(home),
        "DJANGO_SETTINGS_MODULE": "dicomhub.settings",
        "STORE_RESERVE_BYTES": "0",
        "WEB_PROCESSES": "1",
        "WEB_THREADS": "4",
    }


@contextmanager
def serving(home: Path, *paths: Path, log: Path | None = None, **settings: str):
    """log: where standard error goes; None: where ours does."""
    (home / "static").mkdir(parents=True)
    environment = environment_of(home) | settings
    subprocess.run([sys.executable, "-m", "tests.dicomweb.fill", *paths], env=environment, check=True)
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        log.open("wb") if log else nullcontext() as standard_error,
    ):
        listener.set_inheritable(True)
        command = [
            sys.executable,
            "-m",
            "gunicorn",
            "--config",
            "python:dicomhub.web_server",
            "dicomhub.wsgi",
        ]
        process = subprocess.Popen(
            [*command, "--bind", f"fd://{listener.fileno()}"],
            env=environment,
            pass_fds=[listener.fileno()],
            stderr=standard_error,
        )
        server = Server(home, f"http://127.0.0.1:{listener.getsockname()[1]}", process.pid)
    try:
        _wait_until_it_answers(server)
        yield server
    finally:
        process.terminate()
        process.wait(_START_SECONDS)


def _wait_until_it_answers(server: Server) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            requests.get(f"{server.url}/healthz", timeout=_START_SECONDS).raise_for_status()
        except requests.ConnectionError:
            if time.monotonic() > deadline:
                raise
        else:
            return
