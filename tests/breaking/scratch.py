"""An archive of a command's own: a folder, a Redis, and Django on an empty SQLite."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import django
from django.core.management import call_command

from tests.support.redis_process import running_redis


@dataclass(frozen=True, slots=True)
class Scratch:
    folder: Path
    database_url: str
    redis_url: str


@contextmanager
def scratch_archive(prefix: str) -> Iterator[Scratch]:
    """Models can be imported inside of the block, and not before. Once a process."""
    with tempfile.TemporaryDirectory(prefix=prefix) as name, running_redis(Path(name) / "redis") as redis:
        home = Path(name) / "home"
        os.environ |= {
            "DICOMHUB_HOME": str(home),
            "DJANGO_SETTINGS_MODULE": "dicomhub.settings",
            "LOG_LEVEL": "WARNING",
        }
        django.setup()
        call_command("migrate", verbosity=0)
        yield Scratch(Path(name), f"sqlite:///{home}/dicomhub.sqlite3", redis.url)
