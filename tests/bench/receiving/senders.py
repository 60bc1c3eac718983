"""The sender: DCMTK's storescu as it is installed, which proposes 128 presentation contexts; and light ones at once."""

import multiprocessing
import os
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.bench.receiving import light_sender
from tests.bench.receiving.backed_memory import touch_free_memory
from tests.bench.receiving.data_sets import Series

STORESCU = "/usr/bin/storescu"  # pynetdicom has a program of the same name, perhaps first on PATH
_ENOUGH_SECONDS = 10
_ENDLESS_SECONDS = 600
CALLED_AE_TITLE = "DICOMHUB"


def _command(port: int, what: Path, *options: str) -> list[str]:
    scan = ["--scan-directories"] if what.is_dir() else []
    return [STORESCU, *options, "-aec", CALLED_AE_TITLE, "127.0.0.1", str(port), *scan, str(what)]


def _environ(*, has_nagle: bool) -> dict[str, str]:
    # DCMTK leaves Nagle's algorithm on unless this says otherwise.
    return {**os.environ, "TCP_NODELAY": "0" if has_nagle else "1"}


def start(port: int, what: Path, *options: str, has_nagle: bool = True) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        _command(port, what, *options),
        env=_environ(has_nagle=has_nagle),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def send(port: int, what: Path, *options: str, has_nagle: bool = True) -> float:
    """Send a file or a folder on one association; return the seconds from start to end of the program."""
    before = time.perf_counter()
    process = start(port, what, *options, has_nagle=has_nagle)
    if process.wait():
        raise RuntimeError(f"storescu ended with {process.returncode}")
    return time.perf_counter() - before


def latencies(port: int, file: Path, *, times: int) -> list[float]:
    """Seconds of each of many fresh associations with one instance, one after the other; fewer when they take long."""
    seconds: list[float] = []
    while len(seconds) < times and sum(seconds) < _ENOUGH_SECONDS:
        seconds.append(send(port, file, has_nagle=False))
    return seconds


@contextmanager
def pushing(port: int, folder: Path, *, senders: int) -> Iterator[None]:
    """Senders that push a folder again and again for the time of a with block."""
    is_over = threading.Event()

    def push() -> None:
        while not is_over.is_set():
            process = start(port, folder, "--invent-instance", has_nagle=False)
            while process.poll() is None and not is_over.wait(0.02):
                pass
            process.terminate()
            process.wait()

    threads = [threading.Thread(target=push) for _ in range(senders)]
    for thread in threads:
        thread.start()
    try:
        time.sleep(1.0)  # the load is a measurement's surroundings: let it build up
        yield
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


def median_milliseconds(seconds: list[float]) -> float:
    return statistics.median(seconds) * 1000


def send_at_once(port: int, series: Sequence[Series], *, senders: int, edition: int) -> float:
    """Send series, divided among light senders; return the seconds that it took.

    Each has an association of its own. An edition's instances are no other edition's. Raises
    threading.BrokenBarrierError when a sender has failed.
    """
    folders = [one.folder for one in series]
    context = multiprocessing.get_context("fork")
    step = context.Barrier(senders + 1, timeout=_ENDLESS_SECONDS)
    processes = [
        context.Process(target=light_sender.send, args=(port, folders[number::senders], edition, step))
        for number in range(senders)
    ]
    for process in processes:
        process.start()
    step.wait()
    touch_free_memory(2 * sum(one.size_bytes for one in series))
    step.wait()
    before = time.perf_counter()
    step.wait()
    seconds = time.perf_counter() - before
    for process in processes:
        process.join()
    return seconds
