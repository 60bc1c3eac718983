"""Nginx in front of a gunicorn, by the configuration that the documentation has."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.dicomweb.served import Server
from tests.support.redis_process import reserve_port
from tests.support.waiting import wait_until

NGINX = Path("/usr/sbin/nginx")
# What a gunicorn behind it is started with.
SETTINGS = {"WEB_ACCEL_PREFIX": "/archive", "WEB_PROXIES": "127.0.0.1"}
_DOCUMENTED = Path(__file__).parents[2] / "docs" / "dicomweb" / "nginx.conf"


@contextmanager
def nginx_before(server: Server, folder: Path) -> Iterator[str]:
    """Its address; folder holds its files."""
    reservation = reserve_port()
    reservation.close()
    (folder / "nginx.conf").write_text(_configuration(folder, server, reservation.port))
    process = subprocess.Popen([NGINX, "-p", folder, "-c", folder / "nginx.conf"])
    try:
        url = f"http://127.0.0.1:{reservation.port}"
        wait_until(lambda: _answers(url), what="Nginx answers")
        yield url
    finally:
        process.terminate()
        process.wait(60)


def _configuration(folder: Path, server: Server, port: int) -> str:
    site = _DOCUMENTED.read_text()
    for documented, ours in (
        ("127.0.0.1:8000", server.url.removeprefix("http://")),
        ("127.0.0.1:8080", f"127.0.0.1:{port}"),
        ("/var/lib/dicomhub/store/", f"{server.home}/store/"),
    ):
        assert documented in site
        site = site.replace(documented, ours)
    temporary = "\n".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    return (
        f"{user} daemon off; worker_processes 2; pid {folder}/pid; error_log {folder}/error.log;\n"
        f"events {{ }}\nhttp {{ access_log off; {temporary}\n{site} }}"
    )


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/healthz", timeout=60).ok
    except requests.ConnectionError:
        return False
