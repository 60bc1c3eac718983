"""The origin servers that are measured: gunicorn alone, gunicorn behind Nginx, and Orthanc; each with the same files."""

import json
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.dicomweb.served import serving
from tests.support import nginx
from tests.support.redis_process import reserve_port
from tests.support.waiting import wait_until

ORTHANC = "/usr/sbin/Orthanc"
_ORTHANC_PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
_END_SECONDS = 60
# As many readers as ask at once, none of them held back.
_SETTINGS = {"WEB_THREADS": "64", "WEB_RETRIEVES_PER_CLIENT": "1000", "WEB_PROCESSES": "2"}


@dataclass(frozen=True, slots=True)
class Serving:
    """url: the root of the DICOMweb service. pid: the process above all others of the server.

    accept_file: what an instance is asked for with, as little wrapped as this server can give it.
    """

    url: str
    pid: int
    accept_file: str = "application/dicom; transfer-syntax=*"


@dataclass(frozen=True, slots=True)
class Origin:
    """start serves these files from a folder of its own, for the time of a with block."""

    name: str
    start: Callable[[Path, Sequence[Path]], AbstractContextManager[Serving]]
    needs: tuple[Path, ...] = ()

    @property
    def is_missing(self) -> bool:
        return not all(path.exists() for path in self.needs)


@contextmanager
def _gunicorn(folder: Path, files: Sequence[Path]) -> Iterator[Serving]:
    with serving(folder / "home", *files, **_SETTINGS) as server:
        yield Serving(server.dicomweb, server.pid)


@contextmanager
def _behind_nginx(folder: Path, files: Sequence[Path]) -> Iterator[Serving]:
    with (
        serving(folder / "home", *files, **_SETTINGS, **nginx.SETTINGS) as server,
        nginx.nginx_before(server, folder) as url,
    ):
        yield Serving(f"{url}/dicom-web", server.pid)


@contextmanager
def _orthanc(folder: Path, files: Sequence[Path]) -> Iterator[Serving]:
    folder.mkdir(parents=True)
    reservation = reserve_port()
    reservation.close()
    configuration = folder / "orthanc.json"
    configuration.write_text(
        json.dumps(
            {
                "StorageDirectory": str(folder),
                "IndexDirectory": str(folder),
                "HttpPort": reservation.port,
                "DicomServerEnabled": False,
                "AuthenticationEnabled": False,
                "RemoteAccessAllowed": False,
                "Plugins": [str(_ORTHANC_PLUGIN)],
                "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
            }
        ),
        "utf-8",
    )
    process = subprocess.Popen(
        [ORTHANC, str(configuration)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{reservation.port}"
    with _ended(process):
        wait_until(lambda: _answers(f"{url}/system"), what="Orthanc answers")
        for path in files:
            requests.post(f"{url}/instances", data=path.read_bytes(), timeout=60).raise_for_status()
        in_parts = 'multipart/related; type="application/dicom"; transfer-syntax=*'
        yield Serving(f"{url}/dicom-web", process.pid, in_parts)


@contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=10).ok
    except requests.ConnectionError:
        return False


DICOMHUB = Origin("dicomhub, gunicorn", _gunicorn)
BEHIND_NGINX = Origin("dicomhub, behind Nginx", _behind_nginx, (nginx.NGINX,))
ORTHANC_DICOMWEB = Origin("Orthanc", _orthanc, (Path(ORTHANC), _ORTHANC_PLUGIN))
ORIGINS = (DICOMHUB, BEHIND_NGINX, ORTHANC_DICOMWEB)
