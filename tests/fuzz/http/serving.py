"""Mutated requests against a live gunicorn with real data: each is answered, and nothing is left of it."""

import random
import re
import socket
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from threading import Barrier, local
from urllib.parse import urlsplit

import orjson
import requests as http

from tests.dicomweb.served import Server, serving
from tests.fuzz.http.mutation import mutated
from tests.fuzz.http.request import Request
from tests.fuzz.http.seeds import Archived, seeds
from tests.support.incoming import being_written
from tests.support.samples import sample
from tests.support.waiting import wait_until

_CLIENTS = 4
_THREADS = 4  # of the server
_MOST_THREADS = 40  # with those of DuckDB, Arrow and the codec pool, which start with their first use
_AT_A_TIME = 200
_PATIENCE_SECONDS = 60
_SAMPLES = (
    "CT_small.dcm",
    "MR_small_implicit.dcm",
    "JPEG2000.dcm",
    "reportsi.dcm",
    "emri_small.dcm",
    "liver.dcm",
)
_FAULT = re.compile(
    r"Traceback|dicomweb_request_failed|Exception in thread|Error handling request|WORKER TIMEOUT"
)


@dataclass(slots=True)
class HttpFigures:
    """statuses: of all answers; 0: the connection was closed instead. unavailable: what 503s said."""

    requests: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    unavailable: Counter[str] = field(default_factory=Counter)
    longest_seconds: float = 0.0
    longest: str = ""


def fuzz_web(
    *, requests: int, seed: int, bar: Callable[[Iterable[object]], Iterable[object]] = iter
) -> HttpFigures:
    """Raises AssertionError when a request fails on our side or leaves a trace."""
    paths = [sample(name) for name in _SAMPLES]
    with tempfile.TemporaryDirectory(prefix="dicomhub-fuzz-") as folder:
        log = Path(folder) / "web.log"
        settings = {"CODEC_PROCESSES": "1", "LOG_FORMAT": "json"}
        with serving(Path(folder) / "home", *paths, log=log, **settings) as server:
            figures = _fuzz(server, [Archived.read(path) for path in paths], requests, seed, bar)
        text = log.read_text("utf-8", "replace")
    fault = _FAULT.search(text)
    assert fault is None, text[max(0, fault.start() - 500) : fault.start() + 3000]
    return figures


def _fuzz(server: Server, archived: list[Archived], requests: int, seed: int, bar) -> HttpFigures:
    document = http.get(f"{server.dicomweb}/openapi.json", timeout=_PATIENCE_SECONDS).json()
    chance, originals, figures = random.Random(seed), seeds(document, archived), HttpFigures()
    client = _Client(server)
    with closing(client), ThreadPoolExecutor(_CLIENTS) as clients:
        for request in chance.choices(originals, k=_CLIENTS * 10):
            client.ask(request)

        def answers() -> Iterator[_Answer]:
            for begun in range(0, requests, _AT_A_TIME):
                count = min(_AT_A_TIME, requests - begun)
                some = [_spare(mutated(chance, originals), archived) for _ in range(count)]
                yield from clients.map(client.ask, some)

        for answer in bar(answers()):
            _judge(answer, figures)
    _every_thread_answers(server)
    wait_until(lambda: not being_written(server.home / "store"), what="no incoming file is left")
    return figures


def _spare(request: Request, archived: list[Archived]) -> Request:
    """Only what was archived last may be deleted: a retrieve of nothing finds no faults."""
    is_kept = any(each.names["study"].encode() in request.path for each in archived[:-1])
    return replace(request, method="GET") if request.method == "DELETE" and is_kept else request


@dataclass(frozen=True, slots=True)
class _Answer:
    request: Request
    status: int
    content_type: str
    body: bytes
    seconds: float


def _judge(answer: _Answer, figures: HttpFigures) -> None:
    said = f"{answer.request}: {answer.status} {answer.body[:2000]!r}"
    figures.requests += 1
    figures.statuses[answer.status] += 1
    if answer.seconds > figures.longest_seconds:
        figures.longest_seconds, figures.longest = (
            answer.seconds,
            f"{answer.request.method} {answer.request.target!r}",
        )
    assert answer.status < 500 or answer.status == 503, said
    if answer.status == 503:
        figures.unavailable[orjson.loads(answer.body)["error"] if answer.body else answer.request.method] += 1
    is_error = answer.status >= 400 and answer.status != 409  # a store that failed tells so of each instance
    if is_error and answer.content_type == "application/json" and answer.body:
        assert {"error", "detail", "request_id"} <= orjson.loads(answer.body).keys(), said


class _Client:
    """A connection for each thread, opened anew where the server has closed it."""

    def __init__(self, server: Server) -> None:
        self._host = urlsplit(server.url).netloc
        self._address = ("127.0.0.1", urlsplit(server.url).port)
        self._own = local()
        self._open: set[socket.socket] = set()

    def close(self) -> None:
        for connection in self._open:
            connection.close()

    def ask(self, request: Request) -> _Answer:
        begun = time.monotonic()
        status, content_type, body = self._asked(request)
        return _Answer(request, status, content_type, body, time.monotonic() - begun)

    def _asked(self, request: Request) -> tuple[int, str, bytes]:
        message = request.encode(self._host)
        for _ in range(2):  # a kept connection may have been closed by the server meanwhile
            is_new = not hasattr(self._own, "connection")
            connection = self._connection()
            with suppress(ConnectionError, HTTPException):
                with suppress(ConnectionError):
                    connection.sendall(message)  # it may answer, and close, before it has read all
                response = HTTPResponse(connection, method=request.method)
                response.begin()
                while response.status == 100:
                    response.begin()
                body = response.read()
                if response.will_close:
                    self._close()
                return response.status, response.headers.get("Content-Type", ""), body
            self._close()
            if is_new:
                break
        return 0, "", b""

    def _connection(self) -> socket.socket:
        if not hasattr(self._own, "connection"):
            self._own.connection = socket.create_connection(self._address, timeout=_PATIENCE_SECONDS)
            self._open.add(self._own.connection)
        return self._own.connection

    def _close(self) -> None:
        self._own.connection.close()
        self._open.discard(self._own.connection)
        del self._own.connection


def _every_thread_answers(server: Server) -> None:
    """As many requests at once as the server has threads: none of them is stuck."""
    with ThreadPoolExecutor(_THREADS) as clients:
        together = Barrier(_THREADS)

        def ask(_number: int) -> int:
            together.wait(_PATIENCE_SECONDS)
            return http.get(f"{server.dicomweb}/studies", timeout=_PATIENCE_SECONDS).status_code

        assert set(clients.map(ask, range(_THREADS))) == {200}
    names = Counter(task.joinpath("comm").read_text().strip() for task in _tasks(server))
    assert sum(names.values()) <= _MOST_THREADS, names


def _tasks(server: Server) -> list[Path]:
    return [*Path(f"/proc/{server.worker_pid()}/task").iterdir()]
