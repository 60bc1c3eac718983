"""Ask each server of an embedded run whether it answers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from dicomhub.embedded.redis_server import EmbeddedRedis

ANSWER_SECONDS = 5.0
INTERVAL_SECONDS = 0.1

Probe = Callable[[], Awaitable[bool]]


@contextlib.asynccontextmanager
async def _connection(
    host: str, port: int
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(host.strip("[]"), port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def accepts(host: str, port: int) -> Probe:
    async def probe() -> bool:
        async with _connection(host, port):
            return True

    return probe


def answers_http(host: str, port: int, path: str) -> Probe:
    """A GET of this path is answered 200."""

    async def probe() -> bool:
        async with _connection(host, port) as (reader, writer):
            writer.write(f"GET {path} HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            status_line = await reader.readline()
            return status_line.split(b" ")[1:2] == [b"200"]

    return probe


def answers_redis(redis: EmbeddedRedis) -> Probe:
    """Redis has read its append-only file and takes commands."""

    async def probe() -> bool:
        async with _connection("127.0.0.1", redis.port) as (reader, writer):
            writer.write(f"AUTH {redis.password}\r\nPING\r\n".encode())
            return await reader.readline() == b"+OK\r\n" and await reader.readline() == b"+PONG\r\n"

    return probe


async def until_ready(probe: Probe) -> None:
    """Return once the probe has said yes."""
    while True:
        with contextlib.suppress(OSError, TimeoutError):
            if await asyncio.wait_for(probe(), ANSWER_SECONDS):
                return
        await asyncio.sleep(INTERVAL_SECONDS)
