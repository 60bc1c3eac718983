"""The measurements, each with its table."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tests.bench.receiving import light_sender
from tests.bench.receiving import receivers as to
from tests.bench.receiving.backed_memory import touch_free_memory
from tests.bench.receiving.cpu import cpu_seconds_at_rest, kernel_seconds
from tests.bench.receiving.data_sets import Series, write_series
from tests.bench.receiving.receivers import Receiver, Running
from tests.bench.receiving.rounds import Figures, measured_in_rounds, medians
from tests.bench.receiving.senders import latencies, median_milliseconds, pushing, send
from tests.bench.report.table import Table, number, ratio

_GB = 1e9
_FORK = ("--bit-preserving", "--fork")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Bench:
    """What all measurements share. chart is where the scale curve goes."""

    scratch: Path
    redis_url: str
    rounds: int
    instances: int
    chart: Path

    def series(self, name: str, *, instances: int | None = None, rows: int) -> Series:
        return write_series(self.scratch, name, instances=instances or self.instances, rows=rows)

    def medians(
        self, receivers: Sequence[Receiver], measure: Callable[[Receiver, Running], Figures]
    ) -> dict[str, Figures]:
        measured = self.in_rounds(receivers, measure)
        return {name: medians(figures) for name, figures in measured.items()}

    def in_rounds(
        self, receivers: Sequence[Receiver], measure: Callable[[Receiver, Running], T]
    ) -> dict[str, list[T]]:
        return measured_in_rounds(receivers, measure, rounds=self.rounds, scratch=self.scratch)

    def dicomhub(self, name: str, **settings: object) -> Receiver:
        return to.dicomhub(name, self.redis_url, **settings)


def warm(running: Running, series: Series, *options: str) -> float:
    """Send something first; return the processor time from which on it is counted."""
    send(running.port, series.folder, *options, has_nagle=False)
    before = cpu_seconds_at_rest(running.pid)
    touch_free_memory()
    return before


def throughput(bench: Bench) -> list[Table]:
    """CPU a GB and instances a second, one association, with Nagle's algorithm on and off."""
    # Each is sent once only: an instance that comes again is other work.
    ct, ct_again = bench.series("CT", rows=512), bench.series("CT2", rows=512)
    tiny, tiny_again = bench.series("TINY", rows=64), bench.series("TINY2", rows=64)
    first = bench.series("FIRST", instances=8, rows=512)
    receivers = [
        bench.dicomhub("dicomhub, process", SCP_DURABILITY="process"),
        bench.dicomhub("dicomhub, power"),
        bench.dicomhub("dicomhub, process, 128 KiB PDUs", SCP_DURABILITY="process", SCP_MAX_PDU_BYTES=131072),
        to.storescp("DCMTK +B --fork", *_FORK),
        to.storescp("DCMTK +B --fork, Nagle off here too", *_FORK, has_nagle=False),
        to.orthanc(),
        to.pynetdicom("pynetdicom"),
        to.pynetdicom("pynetdicom, chunked", "--chunked"),
    ]

    def measure(_: Receiver, running: Running) -> Figures:
        before = warm(running, first)
        nagle_seconds = send(running.port, ct.folder)
        used = cpu_seconds_at_rest(running.pid) - before
        return {
            "cpu": used / ct.size_bytes * _GB,
            "ct nagle": ct.instances / nagle_seconds,
            "tiny nagle": tiny.instances / send(running.port, tiny.folder),
            "ct": ct.instances / send(running.port, ct_again.folder, has_nagle=False),
            "tiny": tiny.instances / send(running.port, tiny_again.folder, has_nagle=False),
        }

    measured = bench.medians(receivers, measure)
    reference = measured.get("DCMTK +B --fork", {})
    header = (
        "receiver",
        "CPU-s a GB",
        "of DCMTK +B --fork",
        "CT/s",
        "tiny CT/s",
        "CT/s, no Nagle",
        "tiny/s, no Nagle",
    )
    rows = [
        (
            name,
            f"{f['cpu']:.2f}",
            ratio(f["cpu"], reference.get("cpu", 0)),
            *(number(f[key]) for key in ("ct nagle", "tiny nagle", "ct", "tiny")),
        )
        for name, f in measured.items()
    ]
    missing = [receiver.name for receiver in receivers if receiver.is_missing]
    note = f"Missing: {', '.join(missing)}." if missing else ""
    title = f"{ct.instances} CT of 512x512x16 ({ct.size_bytes / ct.instances / 1e6:.2f} MB), and as many tiny ones"
    return [Table(title, header, rows, note)]


def processor_time(bench: Bench) -> list[Table]:
    """CPU a GB alone, of those that are near each other: quick enough for many instances."""
    ct = bench.series("CTP", rows=512)
    first = bench.series("FIRSTP", instances=8, rows=512)
    receivers = [
        bench.dicomhub("dicomhub, process", SCP_DURABILITY="process"),
        bench.dicomhub("dicomhub, power"),
        bench.dicomhub("dicomhub, process, 128 KiB PDUs", SCP_DURABILITY="process", SCP_MAX_PDU_BYTES=131072),
        bench.dicomhub(
            "dicomhub, process, no express lane", SCP_DURABILITY="process", SCP_EXPRESS_LANE="off"
        ),
        to.storescp("DCMTK +B --fork", *_FORK),
        to.pynetdicom("pynetdicom"),
        to.pynetdicom("pynetdicom, chunked", "--chunked"),
        to.storescp("DCMTK +B --fork, Nagle off on both sides", *_FORK, has_nagle=False),
    ]

    def measure(receiver: Receiver, running: Running) -> Figures:
        before = warm(running, first)
        kernel_before = kernel_seconds(running.pid)
        send(running.port, ct.folder, has_nagle=receiver is not receivers[-1])
        cpu = cpu_seconds_at_rest(running.pid) - before
        kernel = kernel_seconds(running.pid) - kernel_before
        return {"cpu": cpu / ct.size_bytes * _GB, "kernel": kernel / ct.size_bytes * _GB}

    measured = bench.medians(receivers, measure)
    reference = measured.get("DCMTK +B --fork", {}).get("cpu", 0)
    rows = [
        (name, f"{f['cpu']:.2f}", f"{f['kernel']:.2f}", ratio(f["cpu"], reference))
        for name, f in measured.items()
    ]
    title = f"Processor time: {ct.instances} CT of 512x512x16 on one association"
    header = ("receiver", "CPU-s a GB", "of these in the kernel", "of DCMTK +B --fork")
    return [Table(title, header, rows)]


def association(bench: Bench) -> list[Table]:
    """A fresh association with 128 proposed contexts, one instance of 2 MB, release."""
    file = next(bench.series("RFA", instances=1, rows=1024).folder.iterdir())
    receivers = [
        bench.dicomhub("dicomhub, process", SCP_DURABILITY="process"),
        bench.dicomhub("dicomhub, power"),
        to.storescp("DCMTK +B --fork", *_FORK),
        to.orthanc(),
        to.pynetdicom("pynetdicom"),
    ]

    def measure(_: Receiver, running: Running) -> Figures:
        send(running.port, file, has_nagle=False)
        return {"milliseconds": median_milliseconds(latencies(running.port, file, times=15))}

    measured = bench.medians(receivers, measure)
    rows = [(name, number(f["milliseconds"])) for name, f in measured.items()]
    return [Table("A fresh association: 128 contexts, one 2 MB instance, release", ("receiver", "ms"), rows)]


def copies(bench: Bench) -> list[Table]:
    """8 images of 2 MB on one association: what each copy of their bytes costs."""
    first, *rest = [bench.series(f"RF{n}", instances=8, rows=1024) for n in range(11)]
    loop = "tests.bench.receiving.copying"
    receivers = [
        to.module("our loop alone: no copy of its own", loop, "0"),
        to.module("+ data sets put together (PDV)", loop, "1"),
        to.module("+ copied out of the receive buffer (PDU)", loop, "2"),
        to.module("+ read from the kernel by 4 KiB", loop, "3"),
        bench.dicomhub("dicomhub, process: no copy, digest, head, journal", SCP_DURABILITY="process"),
        to.pynetdicom("pynetdicom"),
        to.pynetdicom("pynetdicom, chunked", "--chunked"),
    ]

    def measure(_: Receiver, running: Running) -> Figures:
        before = warm(running, first)
        seconds = sum(send(running.port, rf.folder, has_nagle=False) for rf in rest)
        used = cpu_seconds_at_rest(running.pid) - before
        sent = sum(rf.size_bytes for rf in rest)
        return {"cpu": used / sent * _GB, "rate": sent / seconds / 1e6}

    measured = bench.medians(receivers, measure)
    none = next(iter(measured.values()))["cpu"]
    rows = [
        (name, f"{f['cpu']:.2f}", f"{f['cpu'] - none:+.2f}", number(f["rate"]))
        for name, f in measured.items()
    ]
    header = ("receiver", "CPU-s a GB", "more than the first", "MB/s")
    return [Table("What copies cost: 8 RF of 1024x1024x16", header, rows)]


def fairness(bench: Bench) -> list[Table]:
    """Two senders push CT without pause, a third sends one 2 MB instance again and again."""
    # More, and whoever waits for DCMTK's one process gives up before its turn.
    ct = bench.series("CTF", instances=min(bench.instances, 60), rows=512)
    file = next(bench.series("RFF", instances=1, rows=1024).folder.iterdir())
    one_process = to.storescp("DCMTK, one process")
    receivers = [
        bench.dicomhub("dicomhub, process", SCP_DURABILITY="process"),
        bench.dicomhub("dicomhub, power"),
        to.storescp("DCMTK +B --fork", *_FORK),
        to.storescp("DCMTK +B --fork, Nagle off here too", *_FORK, has_nagle=False),
        one_process,
        to.orthanc(),
        to.pynetdicom("pynetdicom"),
    ]

    def measure(receiver: Receiver, running: Running) -> Figures:
        send(running.port, file, has_nagle=False)
        seconds: defaultdict[str, list[float]] = defaultdict(list)
        for _ in range(3):  # in turn, for what the machine has to give changes within seconds
            seconds["idle"] += latencies(running.port, file, times=10)
            seconds["light idle"] += light_sender.latencies(running.port, file, times=20)
            with pushing(running.port, ct.folder, senders=2):
                seconds["busy"] += latencies(running.port, file, times=10)
                if receiver is not one_process:  # where it would wait for minutes
                    seconds["light busy"] += light_sender.latencies(running.port, file, times=20)
        return {
            **{f"{name}, median": median_milliseconds(each) for name, each in seconds.items()},
            **{f"{name}, worst": max(each) * 1000 for name, each in seconds.items()},
        }

    rows = [
        (name, *_times_idle(f, "idle", "busy"), *_times_idle(f, "light idle", "light busy"))
        for name, f in bench.medians(receivers, measure).items()
    ]
    columns = ("idle, ms", "busy: median", "worst", "median / idle", "worst / idle")
    header = ("receiver", *(f"storescu: {columns[0]}", *columns[1:]), *(f"light: {columns[0]}", *columns[1:]))
    return [Table("Fairness: one 2 MB instance while two senders push", header, rows)]


def _times_idle(figures: Figures, idle: str, busy: str) -> tuple[str, ...]:
    """Idle latency, median and worst of the busy ones in ms, and these by the idle one."""
    alone = figures[f"{idle}, median"]
    if f"{busy}, median" not in figures:
        return number(alone), "", "", "", ""
    median, worst = figures[f"{busy}, median"], figures[f"{busy}, worst"]
    return number(alone), number(median), number(worst), ratio(median, alone), ratio(worst, alone)
