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


def microseconds(serve: Callable[[], None]) -> tuple[float, float]:
    """Median and 99th percentile."""
    times = []
    for _ in range(REQUESTS):
        before = time.perf_counter()
        serve()
        times.append((time.perf_counter() - before) * 1e6)
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
        from dicomhub.dicomweb.access import AccessLog

        answers = {
            "whole": lambda _: HttpResponse(b"x" * 1000),
            f"streamed, {CHUNKS} chunks": lambda _: StreamingHttpResponse(iter([b"x" * 65536] * CHUNKS)),
        }
        print(f"The access log, microseconds a request, of {REQUESTS} (it may add 200):\n")
        print(
            "| an answer | without: median | 99 % | with: median | 99 % | added: median |\n|---|---|---|---|---|---|"
        )
        for name, answer in answers.items():
            without, with_log = microseconds(serving(answer)), microseconds(serving(AccessLog(answer)))
            numbers = (*without, *with_log, with_log[0] - without[0])
            print(f"| {name} | {' | '.join(f'{number:.0f}' for number in numbers)} |")
        lines = sum(path.read_bytes().count(b"\n") for path in (Path(folder) / "spool/journal").iterdir())
        print(f"\n{lines} lines were written.")


if __name__ == "__main__":
    main()
