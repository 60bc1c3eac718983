"""What the access log adds to a request: its line, from the request's beginning to the write.

Run with: python -m tests.bench.access_log
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

REQUESTS = 5000
CHUNKS = 50
_PATH = "/dicom-web/studies/1.2.826.0.1.3680043.8.498.1/series/1.2.826.0.1.3680043.8.498.1.1/metadata"


def microseconds(*serve: Callable[[], None]) -> list[tuple[float, float, float, float]]:
    """Of each: median and 99th percentile by the clock, and both of the processor time of the thread.

    They take turns, so that whatever else the machine does meets all of them. The clock's 99th percentile is
    the scheduler's where more wants to run than there are processors.
    """
    clocks: list[list[float]] = [[] for _ in serve]
    processors: list[list[float]] = [[] for _ in serve]
    for _ in range(REQUESTS):
        for number, one in enumerate(serve):
            clock, processor = time.perf_counter(), time.thread_time()
            one()
            processors[number].append((time.thread_time() - processor) * 1e6)
            clocks[number].append((time.perf_counter() - clock) * 1e6)
    return [
        (*_median_and_tail(of_clock), *_median_and_tail(of_processor))
        for of_clock, of_processor in zip(clocks, processors, strict=True)
    ]


def _median_and_tail(times: list[float]) -> tuple[float, float]:
    return statistics.median(times), statistics.quantiles(times, n=100)[98]


def serving(get_response: Callable[..., object]) -> Callable[[], None]:
    """A server that asks for all of the answer and closes it."""
    from django.test import RequestFactory

    request = RequestFactory().get(_PATH, {"includefield": "all"}, headers={"User-Agent": "bench"})

    def serve() -> None:
        response = get_response(request)
        for _ in response:
            pass
        response.close()

    return serve


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DICOMHUB_HOME"] = folder
        os.environ["DJANGO_SETTINGS_MODULE"] = "dicomhub.settings"
        import django
        from django.http import HttpResponse, StreamingHttpResponse

        django.setup()
        from dicomhub.dicomweb.http.access_log import AccessLog

        answers = {
            "whole": lambda _: HttpResponse(b"x" * 1000),
            f"streamed, {CHUNKS} chunks": lambda _: StreamingHttpResponse(iter([b"x" * 65536] * CHUNKS)),
        }
        print(f"The access log, microseconds a request, of {REQUESTS} (it may add 200):\n")
        print("| an answer | clock: median | 99 % | processor: median | 99 % |\n|---|---|---|---|---|")
        for name, answer in answers.items():
            without, with_log = microseconds(serving(answer), serving(AccessLog(answer)))
            added = tuple(after - before for before, after in zip(without, with_log, strict=True))
            for said, numbers in (("without", without), ("with", with_log), ("added", added)):
                print(f"| {name}, {said} | {' | '.join(f'{number:.0f}' for number in numbers)} |")
        lines = sum(path.read_bytes().count(b"\n") for path in (Path(folder) / "spool/journal").iterdir())
        print(f"\n{lines} lines were written.")


if __name__ == "__main__":
    main()
