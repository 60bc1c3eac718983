"""Settings from the environment: the only reader of os.environ.

Every name that is missing or bad is reported at once. A file of NAME=value lines may stand behind the
environment (DICOMHUB_SETTINGS_FILE): the environment wins, and a process that is told to reload reads the
file again.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from dicomhub.configuration.pipeline import CodecSettings, WarehouseSettings, read_codec, read_warehouse
from dicomhub.configuration.reader import SettingsReader
from dicomhub.configuration.receiving import IntakeSettings, ScpSettings, read_intake, read_scp
from dicomhub.configuration.web import AuthSettings, StowSettings, WebSettings, read_auth, read_stow, read_web

LogFormat = Literal["console", "json"]


class EnvironmentInvalid(Exception):
    """One or more settings are missing or bad; problems has a sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Environment:
    home: Path
    store_root: Path
    database_url: str
    redis_url: str | None
    flower_port: int
    log_format: LogFormat
    log_level: str
    batch_retention_days: int
    transcode_log_retention_days: int
    deleted_retention_days: int
    transcode_run_seconds: float
    scp: ScpSettings
    intake: IntakeSettings
    web: WebSettings
    auth: AuthSettings
    stow: StowSettings
    warehouse: WarehouseSettings
    codec: CodecSettings

    @property
    def embedded_redis_url_file(self) -> Path:
        """Where an embedded run leaves the address of the Redis that it started."""
        return self.home / "run" / "redis.url"

    @property
    def retrieves_file(self) -> Path:
        """Where this host's web processes count what each client is being sent."""
        return self.home / "run" / "retrieves.lock"

    @property
    def scp_metrics_file(self) -> Path:
        """Where the SCP of this host writes its metrics, for node_exporter and the web side."""
        return self.home / "run" / "scp.prom"

    def broker_url(self) -> str:
        """Return the Redis to talk to: REDIS_URL, else the one an embedded run has started.

        Raises EnvironmentInvalid when there is neither.
        """
        if self.redis_url is not None:
            return self.redis_url
        try:
            return self.embedded_redis_url_file.read_text("ascii").strip()
        except OSError:
            raise EnvironmentInvalid(
                [f"REDIS_URL is not set, and no embedded run has left one in {self.embedded_redis_url_file}"]
            ) from None


def read_environment(environ: Mapping[str, str] | None = None) -> Environment:
    """Read all settings. Raises EnvironmentInvalid that names everything that is wrong."""
    environ = os.environ if environ is None else environ
    settings_file = environ.get("DICOMHUB_SETTINGS_FILE")
    values = {**(_file_values(settings_file) if settings_file else {}), **environ}
    read = SettingsReader(values)
    home = read.path("DICOMHUB_HOME", Path("var"))
    auth = read_auth(read)
    environment = Environment(
        home=home,
        store_root=read.path("STORE_ROOT", home / "store"),
        database_url=read.url(
            "DATABASE_URL", f"sqlite:///{home}/dicomhub.sqlite3", ("sqlite", "postgresql", "postgres")
        ),
        redis_url=read.url("REDIS_URL", None, ("redis", "rediss")),
        flower_port=read.port("FLOWER_PORT", 5555),
        log_format=read.choice("LOG_FORMAT", "console", get_args(LogFormat)),
        log_level=read.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
        batch_retention_days=read.integer("BATCH_RETENTION_DAYS", 30, least=1, most=36500),
        transcode_log_retention_days=read.integer("TRANSCODE_LOG_RETENTION_DAYS", 90, least=1, most=36500),
        deleted_retention_days=read.integer("DELETED_RETENTION_DAYS", 30, least=0, most=36500),
        transcode_run_seconds=read.seconds("TRANSCODE_RUN_SECONDS", 30, most=300),
        scp=read_scp(read),
        intake=read_intake(read),
        web=read_web(read, is_authenticated=auth.is_on),
        auth=auth,
        stow=read_stow(read),
        warehouse=read_warehouse(read, home),
        codec=read_codec(read),
    )
    if read.problems:
        raise EnvironmentInvalid(read.problems)
    return environment


def _file_values(path: str) -> dict[str, str]:
    try:
        lines = Path(path).read_text("utf-8").splitlines()
    except OSError as error:
        raise EnvironmentInvalid([f"DICOMHUB_SETTINGS_FILE={path!r}: {error.strerror}"]) from None
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.lstrip().startswith("#"))
    return {name.strip(): value.strip() for name, value in pairs}
