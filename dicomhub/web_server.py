"""gunicorn's configuration: `gunicorn --config python:dicomhub.web_server dicomhub.wsgi`."""

import gc
import os
from typing import Any

from gunicorn.glogging import Logger

from dicomhub.environment import read_environment
from dicomhub.log import configure

_environment = read_environment()
# Each worker counts in files of its own, and a scrape adds them up. They are of this run: those of an earlier
# one would be counted again. prometheus_client looks for the name when it is imported, in the workers.
_metrics = _environment.home / "run" / "web-metrics"
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_metrics)


def on_starting(_server: Any) -> None:
    _metrics.mkdir(parents=True, exist_ok=True)
    for path in _metrics.glob("*.db"):
        path.unlink()


def post_worker_init(_worker: Any) -> None:
    # Not above: only workers are to import it, and to have its thread.
    from django.urls import get_resolver  # noqa: PLC0415

    from dicomhub.intake.shared import shared_intake  # noqa: PLC0415

    shared_intake(_environment)
    # All views are imported now and not by the first request; what they and Django have made stays, so the
    # garbage collector need not look through it in the middle of an answer.
    get_resolver().url_patterns  # noqa: B018 - what is asked for is the work
    gc.collect()
    gc.freeze()


def worker_exit(_server: Any, _worker: Any) -> None:
    gc.unfreeze()  # libraries look, at the end, whether all of theirs is gone


class WebLogger(Logger):
    """gunicorn's lines in the form of all others."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)  # type: ignore[no-untyped-call]
        configure("web", log_format=_environment.log_format, level=_environment.log_level)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


_host = _environment.web.host.strip("[]")
bind = f"[{_host}]:{_environment.web.port}" if ":" in _host else f"{_host}:{_environment.web.port}"
worker_class = "dicomhub.web_worker.WebWorker"
workers = _environment.web.processes
threads = _environment.web.threads
graceful_timeout = 30
keepalive = 75  # longer than proxies keep theirs, so that they never ask on one that is just being closed
limit_request_line = 8190  # the most it takes: lists of UIDs are long
logger_class = WebLogger
loglevel = "warning"  # the launcher or the container's manager says what starts and stops
accesslog = None
control_socket_disable = True
# Who says that a request came by https is a setting of ours, WEB_BEHIND_TLS_PROXY, and Django's to look at.
secure_scheme_headers: dict[str, str] = {}
