"""gunicorn's configuration: `gunicorn --config python:dicomhub.web_server dicomhub.wsgi`."""

from typing import Any

from gunicorn.glogging import Logger

from dicomhub.environment import read_environment
from dicomhub.log import configure

_environment = read_environment()


class WebLogger(Logger):
    """gunicorn's lines in the form of all others."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)  # type: ignore[no-untyped-call]
        configure("web", log_format=_environment.log_format, level=_environment.log_level)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


_host = _environment.web.host.strip("[]")
bind = f"[{_host}]:{_environment.web.port}" if ":" in _host else f"{_host}:{_environment.web.port}"
worker_class = "gthread"
threads = _environment.web.threads
graceful_timeout = 30
logger_class = WebLogger
loglevel = "warning"  # the launcher or the container's manager says what starts and stops
accesslog = None
control_socket_disable = True
