"""A Redis of a test's own: a real server on a free port, which can be stopped, killed and started again."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from dicomhub.embedded.listeners import Reservation
from dicomhub.embedded.redis_server import configure, find_program
from tests.support.waiting import wait_until


def reserve_port() -> Reservation:
    """A free port that the kernel gives to nobody else until the reservation is closed."""
    return Reservation.make("", host="127.0.0.1", port=0)


class RedisProcess:
    """The server keeps its port and its append-only file over a restart."""

    def __init__(self, directory: Path) -> None:
        self._reservation = reserve_port()
        self._redis = configure(find_program(), directory=directory, port=self._reservation.port)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return self._redis.url

    def start(self) -> None:
        self._process = subprocess.Popen(self._redis.command, stdout=subprocess.DEVNULL)
        wait_until(self.answers, what="Redis answers")

    def answers(self) -> bool:
        with redis.Redis.from_url(self.url) as client:
            try:
                return bool(client.ping())
            except redis.ConnectionError:  # also while it loads its file
                return False

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        self.kill()
        self._reservation.close()

    def forget_everything(self) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.flushall()


@contextmanager
def running_redis(directory: Path) -> Iterator[RedisProcess]:
    server = RedisProcess(directory)
    server.start()
    try:
        yield server
    finally:
        server.end()
