"""What is measured of origin servers: each is asked in turn, several rounds, and all see the same noise."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import cycle, islice
from pathlib import Path
from statistics import median, quantiles
from uuid import uuid4

from tests.bench.receiving.cpu import cpu_seconds, private_bytes
from tests.bench.report.chart import line_chart
from tests.bench.report.table import Table, number, ratio
from tests.bench.serving.client import Answer, Reader, at_once
from tests.bench.serving.origins import DICOMHUB, ORIGINS, ORTHANC_DICOMWEB, Serving
from tests.support.studies_to_serve import Study, ct_study, large_study

_DICOM = 'multipart/related; type="application/dicom"; transfer-syntax=*'
_JSON = "application/dicom+json"
_OCTETS = 'multipart/related; type="application/octet-stream"'
_REQUESTS = 200
_SEARCHES = 60
_WARM_UP = 3
_STUDIES = 100
_STORED_AT_ONCE = 20
_READERS = (1, 4, 16, 64)
Figures = Mapping[str, float]


@dataclass(frozen=True)
class Bench:
    scratch: Path
    rounds: int
    instances: int
    chart: Path

    @cached_property
    def study(self) -> Study:
        """Of 400 instances: 212 MB."""
        return ct_study(self.scratch / "ct", instances=self.instances)

    @contextmanager
    def serving(self, name: str, files: Sequence[Path]) -> Iterator[dict[str, Serving]]:
        """Every origin that is installed, with these files in it."""
        with ExitStack() as stack:
            yield {
                origin.name: stack.enter_context(origin.start(self.scratch / name / str(place), files))
                for place, origin in enumerate(ORIGINS)
                if not origin.is_missing
            }

    def medians(
        self, serving: Mapping[str, Serving], measure: Callable[[Serving], Figures]
    ) -> dict[str, Figures]:
        """Once everything has been asked for a few times: a worker's first request opens its database."""
        for server in serving.values():
            for _ in range(_WARM_UP):
                measure(server)
        measured: dict[str, list[Figures]] = {name: [] for name in serving}
        for _ in range(self.rounds):
            for name, server in serving.items():
                measured[name].append(measure(server))
        return {name: _medians(rounds) for name, rounds in measured.items()}


def _medians(rounds: Sequence[Figures]) -> Figures:
    return {name: median(each[name] for each in rounds) for name in rounds[0]}


def retrieve(bench: Bench) -> list[Table]:
    """A study as stored, whole."""
    study = bench.study

    def measure(server: Serving) -> Figures:
        spent = cpu_seconds(server.pid)
        (answer,) = _asked(server, [study.path], _DICOM)
        return {
            "MB/s": answer.size_bytes / answer.seconds / 1e6,
            "first byte, ms": answer.first_byte_seconds * 1e3,
            "CPU-s a GB": (cpu_seconds(server.pid) - spent) / answer.size_bytes * 1e9,
        }

    with bench.serving("retrieve", study.files) as serving:
        figures = bench.medians(serving, measure)
    title = f"A study of {bench.instances} CT, {study.size_bytes / 1e6:.0f} MB, as stored"
    return [_table(title, figures, compared="MB/s")]


def metadata(bench: Bench) -> list[Table]:
    study = bench.study

    def measure(server: Serving) -> Figures:
        (answer,) = _asked(server, [f"{study.series}/metadata"], _JSON)
        return {"ms": answer.seconds * 1e3, "MB": answer.size_bytes / 1e6}

    with bench.serving("metadata", study.files) as serving:
        figures = bench.medians(serving, measure)
    return [_table(f"Metadata of a series of {bench.instances}", figures, compared="ms")]


def search(bench: Bench) -> list[Table]:
    studies = [ct_study(bench.scratch / f"small-{place}", instances=1, rows=64) for place in range(_STUDIES)]
    queries = {
        "100 studies": "/studies?limit=100",
        "by patient": "/studies?PatientID=small-7",
        "by a name's beginning": "/studies?PatientName=Comp*&limit=25",
        "series of a study": f"{studies[0].path}/series",
    }
    with bench.serving("search", [path for study in studies for path in study.files]) as serving:
        return [
            _table(
                title, bench.medians(serving, _latency([path], _JSON, requests=_SEARCHES)), compared="p95, ms"
            )
            for title, path in queries.items()
        ]


def instances(bench: Bench) -> list[Table]:
    study = bench.study
    kinds = {
        "A frame": ([f"{path}/frames/1" for path in study.instances], _OCTETS),
        "An instance": (study.instances, _DICOM),
        "An instance, rendered": ([f"{path}/rendered" for path in study.instances], "image/jpeg"),
        "An instance's metadata": ([f"{path}/metadata" for path in study.instances], _JSON),
    }
    with bench.serving("instances", study.files) as serving:
        return [
            _table(title, bench.medians(serving, _latency(paths, accept)), compared="p95, ms")
            for title, (paths, accept) in kinds.items()
        ] + [_as_one_file(bench, serving)]


def _as_one_file(bench: Bench, serving: Mapping[str, Serving]) -> Table:
    def measure(server: Serving) -> Figures:
        return _latency(bench.study.instances, server.accept_file)(server)

    return _table(
        "An instance, not in parts (Orthanc has it in parts only)",
        bench.medians(serving, measure),
        compared="p95, ms",
    )


def store(bench: Bench) -> list[Table]:
    """STOW of the study into an empty archive, some instances a request."""
    study = bench.study
    boundary = uuid4().hex
    content_type = f'multipart/related; type="application/dicom"; boundary={boundary}'
    bodies = [
        _multipart(study.files[first : first + _STORED_AT_ONCE], boundary)
        for first in range(0, len(study.files), _STORED_AT_ONCE)
    ]
    rates: dict[str, list[Figures]] = {}
    for place in range(bench.rounds):
        for origin in (DICOMHUB, ORTHANC_DICOMWEB):
            if origin.is_missing:
                continue
            with origin.start(bench.scratch / f"store-{place}-{len(origin.name)}", []) as server:
                spent = cpu_seconds(server.pid)
                seconds = _stored(server, bodies, content_type)
                figures = {
                    "instances/s": len(study.files) / seconds,
                    "CPU-ms an instance": (cpu_seconds(server.pid) - spent) / len(study.files) * 1e3,
                }
                rates.setdefault(origin.name, []).append(figures)
    medians = {name: _medians(rounds) for name, rounds in rates.items()}
    title = f"STOW of {len(study.files)} CT, {_STORED_AT_ONCE} a request"
    return [_table(title, medians, compared="instances/s")]


def readers(bench: Bench) -> list[Table]:
    """More and more readers at once: studies of 40 instances as stored, and frames."""
    study = ct_study(bench.scratch / "readers", instances=max(bench.instances // 10, 4))
    frames = [f"{path}/frames/1" for path in study.instances]
    studies: dict[str, list[float]] = {}
    rates: dict[str, list[float]] = {}
    with bench.serving("readers", study.files) as serving:
        for many in _READERS:
            figures = bench.medians(serving, lambda server, many=many: _at_once(server, many, study, frames))
            for name, figure in figures.items():
                studies.setdefault(name, []).append(figure["MB/s"])
                rates.setdefault(name, []).append(figure["frames/s"])
    title = "Readers at once"
    bench.chart.write_text(line_chart("Studies, as stored", "readers", "MB/s", _READERS, studies), "utf-8")
    rates_chart = bench.chart.with_stem(f"{bench.chart.stem}-frames")
    rates_chart.write_text(line_chart("Frames", "readers", "frames/s", _READERS, rates), "utf-8")
    header = ("server", "figure", *map(str, _READERS))
    rows = [
        (name, figure, *map(number, of[name]))
        for name in studies
        for figure, of in (("MB/s of studies", studies), ("frames/s", rates))
    ]
    return [Table(title, header, rows)]


def memory(bench: Bench, *, gigabytes: int = 5) -> list[Table]:
    """Private memory of the web workers of gunicorn, before and after a study of 5 GB."""
    study = large_study(bench.scratch / "large", gigabytes=gigabytes)
    rows = []
    with DICOMHUB.start(bench.scratch / "memory", study.files) as server:
        _asked(server, [study.instances[0] + "/metadata"], _JSON)
        rows.append(("before", number(_worker_bytes(server.pid) / 2**20)))
        for accept, what in (
            (_DICOM, "as stored"),
            ("application/zip", "as ZIP"),
            ('multipart/related; type="application/dicom"', "Explicit VR LE"),
        ):
            _asked(server, [study.path], accept)
            rows.append((f"after {gigabytes} GB, {what}", number(_worker_bytes(server.pid) / 2**20)))
    return [Table(f"Memory of a web worker over a study of {gigabytes} GB", ("when", "MiB"), rows)]


def _worker_bytes(pid: int) -> int:
    workers = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    return max(private_bytes(int(worker)) for worker in workers)


def _asked(server: Serving, paths: Sequence[str], accept: str) -> list[Answer]:
    reader = Reader(server.url)
    try:
        return [reader.get(path, accept) for path in paths]
    finally:
        reader.close()


def _latency(paths: Sequence[str], accept: str, *, requests: int = _REQUESTS) -> Callable[[Serving], Figures]:
    def measure(server: Serving) -> Figures:
        answers = _asked(server, list(islice(cycle(paths), requests)), accept)
        milliseconds = [answer.seconds * 1e3 for answer in answers]
        return {"median, ms": median(milliseconds), "p95, ms": quantiles(milliseconds, n=20)[18]}

    return measure


def _at_once(server: Serving, many: int, study: Study, frames: Sequence[str]) -> Figures:
    times = max(16 // many, 1)
    answers, seconds = at_once(
        server.url, many, lambda reader: [reader.get(study.path, _DICOM) for _ in range(times)]
    )
    asked, frame_seconds = at_once(
        server.url, many, lambda reader: [reader.get(path, _OCTETS) for path in frames]
    )
    return {
        "MB/s": sum(answer.size_bytes for answer in answers) / seconds / 1e6,
        "frames/s": len(asked) / frame_seconds,
    }


def _stored(server: Serving, bodies: Sequence[bytes], content_type: str) -> float:
    reader = Reader(server.url)
    try:
        return sum(reader.post("/studies", body, content_type).seconds for body in bodies)
    finally:
        reader.close()


def _multipart(files: Sequence[Path], boundary: str) -> bytes:
    head = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode("ascii")
    parts = b"".join(head + path.read_bytes() + b"\r\n" for path in files)
    return parts + f"--{boundary}--\r\n".encode("ascii")


def _table(title: str, figures: Mapping[str, Figures], *, compared: str) -> Table:
    """compared: the figure whose ratio to Orthanc's is shown, where there is an Orthanc."""
    names = list(next(iter(figures.values())))
    reference = figures.get(ORTHANC_DICOMWEB.name, {}).get(compared, 0.0)
    rows = [
        (name, *(number(each[figure]) for figure in names), ratio(each[compared], reference))
        for name, each in figures.items()
    ]
    return Table(title, ("server", *names, f"{compared}, of Orthanc's"), rows)
