"""The origin servers that are measured: gunicorn alone, gunicorn behind Nginx, and Orthanc; each with the same files."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.dicomweb.served import serving
from tests.support.redis_process import reserve_port
from tests.support.waiting import wait_until

NGINX = "/usr/sbin/nginx"
ORTHANC = "/usr/sbin/Orthanc"
_ORTHANC_PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
_END_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Serving:
    """url: the root of the DICOMweb service. pid: the process above all others of the server."""

    url: str
    pid: int


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
def _gunicorn(folder: Path, files: Sequence[Path], **settings: str) -> Iterator[Serving]:
    with serving(
        folder / "home",
        *files,
        WEB_PROCESSES="2",
        WEB_THREADS="64",
        WEB_RETRIEVES_PER_CLIENT="1000",
        **settings,
    ) as server:
        yield Serving(server.dicomweb, server.pid)


@contextmanager
def _behind_nginx(folder: Path, files: Sequence[Path]) -> Iterator[Serving]:
    with _gunicorn(folder, files, WEB_ACCEL_PREFIX="/protected/") as behind:
        reservation = reserve_port()
        reservation.close()
        configuration = folder / "nginx.conf"
        configuration.write_text(_nginx(folder, reservation.port, behind.url), "ascii")
        process = subprocess.Popen(
            [NGINX, "-c", str(configuration), "-p", str(folder)], stderr=subprocess.DEVNULL
        )
        url = f"http://127.0.0.1:{reservation.port}"
        with _ended(process):
            wait_until(lambda: _answers(f"{url}/healthz"), what="Nginx answers")
            yield Serving(f"{url}/dicom-web", behind.pid)


def _nginx(folder: Path, port: int, behind: str) -> str:
    as_root = "user root;" if os.geteuid() == 0 else ""
    return f"""
{as_root}
daemon off; worker_processes 2; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 512; }}
http {{
  access_log off; sendfile on; tcp_nopush on; client_max_body_size 0;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream web {{ server {behind.split("/")[2]}; keepalive 64; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://web; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
      proxy_buffering on; proxy_max_temp_file_size 0; proxy_request_buffering off;
    }}
    location /protected/ {{ internal; alias {folder}/home/store/; }}
  }}
}}
"""


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
        yield Serving(f"{url}/dicom-web", process.pid)


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
BEHIND_NGINX = Origin("dicomhub, behind Nginx", _behind_nginx, (Path(NGINX),))
ORTHANC_DICOMWEB = Origin("Orthanc", _orthanc, (Path(ORTHANC), _ORTHANC_PLUGIN))
ORIGINS = (DICOMHUB, BEHIND_NGINX, ORTHANC_DICOMWEB)
