"""The measurements, each with its table."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, pairwise
from pathlib import Path
from statistics import quantiles

from tests.bench.receiving import light_sender
from tests.bench.receiving import receivers as to
from tests.bench.receiving.backed_memory import touch_free_memory
from tests.bench.receiving.cpu import cpu_seconds_at_rest, kernel_seconds
from tests.bench.receiving.data_sets import Series, write_series
from tests.bench.receiving.receivers import Receiver, Running
from tests.bench.receiving.rounds import Figures, fresh, measured_in_rounds, medians
from tests.bench.receiving.senders import latencies, median_milliseconds, pushing, send, send_at_once
from tests.bench.report.chart import line_chart
from tests.bench.report.table import Table, number, ratio

_GB = 1e9
_FORK = ("--bit-preserving", "--fork")
SENDERS = (1, 2, 4, 8, 16)


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
        self, receivers: Sequence[Receiver], measure: Callable[[Receiver, Running], Figures]
    ) -> dict[str, list[Figures]]:
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


@dataclass(frozen=True, slots=True)
class _Work:
    """What is sent for one point of the scale curve: once, and at rest again, first and series.

    Time is taken of series only, processor time of first and series.
    """

    once: Sequence[Series]
    first: Sequence[Series]
    series: Sequence[Series]


def scale(bench: Bench) -> list[Table]:
    """Throughput and CPU of the same work by more and more senders, which take little from the machine."""
    most = max(SENDERS)

    def part(name: str, instances: int) -> list[Series]:
        return [bench.series(f"{name}{n}", instances=instances, rows=512) for n in range(most)]

    each = max(25, bench.instances // 2)
    few = max(25, each // 8)  # for those who take long
    once, first = part("ONCE", 8), part("FIRST", 8)
    much, little = _Work(once, first, part("CTS", each)), _Work(once, first, part("FEW", few))
    spare = {"SCP_MIN_SPARE_CHILDREN": most, "SCP_MAX_SPARE_CHILDREN": most + 4}
    fast = [
        bench.dicomhub("dicomhub, process", SCP_DURABILITY="process", **spare),
        bench.dicomhub("dicomhub, power", **spare),
        to.storescp("DCMTK +B --fork, Nagle off here too", *_FORK, has_nagle=False),
    ]
    slow = [to.storescp("DCMTK +B --fork", *_FORK), to.pynetdicom("pynetdicom")]
    receivers = fast + slow

    # There and back again: what the machine has just done is in the way of many senders and of few as often.
    orders = {receiver.name: cycle([SENDERS, SENDERS[::-1]]) for receiver in receivers}

    def measure(receiver: Receiver, _: Running) -> Figures:
        figures: dict[str, float] = {}
        for senders in next(orders[receiver.name]):
            with fresh(receiver, bench.scratch) as running:
                figures |= _at_once(running, much if receiver in fast else little, senders=senders)
        return figures

    by_round = bench.in_rounds(receivers, measure)
    measured = {name: medians(figures) for name, figures in by_round.items()}
    rates: Mapping[str, Sequence[float]] = {
        name: [f[f"rate {senders}"] for senders in SENDERS] for name, f in measured.items()
    }
    bench.chart.write_text(
        line_chart("Throughput by the number of senders", "senders at a time", "MB/s", SENDERS, rates),
        "utf-8",
    )
    rows = [
        (name, *(f"{number(f[f'rate {s}'])} ({f[f'cpu {s}']:.1f})" for s in SENDERS))
        for name, f in measured.items()
    ]
    header = ("receiver: MB/s (CPU-s a GB)", *map(str, SENDERS))
    work = f"{most} series of {each} CT of 512x512x16 (of {few} for the last two)"
    title = f"Scale: {work}, each on an association of its own, divided among light senders"
    return [
        Table(title, header, rows, f"![Throughput by senders]({bench.chart.name})"),
        _steps({name: by_round[name] for receiver in fast if (name := receiver.name) in by_round}),
    ]


def _steps(by_round: Mapping[str, Sequence[Figures]]) -> Table:
    """What twice as many senders bring. A round's ratios are of measurements that are minutes apart: steadier."""
    pairs = list(pairwise(SENDERS))

    def step(rounds: Sequence[Figures], few: int, many: int) -> str:
        ratios = [each[f"rate {many}"] / each[f"rate {few}"] for each in rounds]
        low, middle, high = quantiles(ratios, n=4) if len(ratios) > 1 else 3 * ratios
        return f"{middle:.2f} ({low:.2f} to {high:.2f})"

    rows = [(name, *(step(rounds, few, many) for few, many in pairs)) for name, rounds in by_round.items()]
    header = ("receiver", *(f"{few} to {many}" for few, many in pairs))
    return Table("Scale, step by step: ratios within a round, medians (and quartiles)", header, rows)


def _at_once(running: Running, work: _Work, *, senders: int) -> Figures:
    # All children serve once: what they do the first time would be in the rows of many senders only.
    send_at_once(running.port, _folders(work.once), [], senders=len(work.once))
    before = cpu_seconds_at_rest(running.pid)
    seconds = send_at_once(running.port, _folders(work.first), _folders(work.series), senders=senders)
    used = cpu_seconds_at_rest(running.pid) - before
    timed = sum(each.size_bytes for each in work.series)
    sent = timed + sum(each.size_bytes for each in work.first)
    return {f"rate {senders}": timed / seconds / 1e6, f"cpu {senders}": used / sent * _GB}


def _folders(series: Sequence[Series]) -> list[Path]:
    return [each.folder for each in series]
