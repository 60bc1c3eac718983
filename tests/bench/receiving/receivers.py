"""The receivers that are measured: this one in its variants, and its rivals, each started on a free port."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.redis_process import reserve_port
from tests.support.scp_process import ROOT, running_scp
from tests.support.waiting import wait_until

STORESCP = "/usr/bin/storescp"
ORTHANC = "/usr/sbin/Orthanc"


@dataclass(frozen=True, slots=True)
class Running:
    """pid is of the process above all others of the receiver, folder where it keeps all that it has."""

    pid: int
    port: int
    folder: Path


@dataclass(frozen=True, slots=True)
class Receiver:
    """start runs it with a folder of its own, for the time of a with block. program must exist."""

    name: str
    start: Callable[[Path], AbstractContextManager[Running]]
    program: str = sys.executable

    @property
    def is_missing(self) -> bool:
        return shutil.which(self.program) is None


def dicomhub(name: str, redis_url: str, **settings: object) -> Receiver:
    @contextmanager
    def start(folder: Path) -> Iterator[Running]:
        given: Mapping[str, object] = {"REDIS_URL": redis_url, "SCP_MAX_PDU_BYTES": 16384, **settings}
        with running_scp(folder, given) as scp:
            yield Running(scp.pid, scp.port, folder)

    return Receiver(name, start)


def _program(name: str, command: Callable[[Path, int], list[str]], **environ: str) -> Receiver:
    @contextmanager
    def start(folder: Path) -> Iterator[Running]:
        folder.mkdir()
        reservation = reserve_port()
        reservation.close()  # a rival may not share it
        port = reservation.port
        process = subprocess.Popen(
            command(folder, port),
            cwd=ROOT,
            env={**os.environ, **environ},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_until(lambda: _listens(port), what=f"{name} listens")
            yield Running(process.pid, port, folder)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    return Receiver(name, start, command(Path(), 0)[0])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def storescp(name: str, *options: str, has_nagle: bool = True) -> Receiver:
    """Without options it is one process, which parses what it receives and writes it anew."""
    return _program(
        name,
        lambda folder, port: [STORESCP, *options, "-od", str(folder), str(port)],
        TCP_NODELAY="0" if has_nagle else "1",
    )


def module(name: str, module_name: str, *options: str) -> Receiver:
    """A receiver that is kept in the benchmark."""
    return _program(
        name, lambda folder, port: [sys.executable, "-m", module_name, str(port), str(folder), *options]
    )


def pynetdicom(name: str, *options: str) -> Receiver:
    return module(name, "tests.bench.receiving.pynetdicom_scp", *options)


def orthanc() -> Receiver:
    def command(folder: Path, port: int) -> list[str]:
        configuration = {
            "Name": "BENCH",
            "StorageDirectory": str(folder),
            "IndexDirectory": str(folder),
            "HttpServerEnabled": False,
            "DicomPort": port,
            "DicomCheckCalledAet": False,
            "DicomAlwaysAllowStore": True,
        }
        path = folder / "orthanc.json"
        if folder.is_dir() and port:
            path.write_text(json.dumps(configuration), "utf-8")
        return [ORTHANC, str(path)]

    return _program("Orthanc", command)
