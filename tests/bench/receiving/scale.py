"""Throughput and processor time of the same work by more and more senders."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, count, pairwise

from tests.bench.receiving import receivers as to
from tests.bench.receiving.cpu import cpu_seconds_at_rest
from tests.bench.receiving.data_sets import Series
from tests.bench.receiving.receivers import Receiver, Running
from tests.bench.receiving.rounds import Figures, empty, files_in, medians
from tests.bench.receiving.sections import Bench
from tests.bench.receiving.senders import send_at_once
from tests.bench.report.chart import line_chart
from tests.bench.report.table import Table, mean_ratio, number

_SENDERS = (1, 2, 4, 8, 16)
_MOST = max(_SENDERS)
# What the machine has to give changes from minute to minute by more than the number of senders does.
_PASSES = 8  # a round: _SENDERS up, and down again


def scale(bench: Bench) -> list[Table]:
    """Senders that take little from the machine; the receiver stays the same, and its processes have served."""
    each = max(12, bench.instances // 8)
    few = max(3, each // 4)  # for those who take long
    much, little = _series(bench, "MUCH", each), _series(bench, "LITTLE", few)
    spare = {"SCP_MAX_SPARE_CHILDREN": _MOST + 4}  # those that the first sending has made stay
    fast = [
        bench.dicomhub("dicomhub, process", SCP_DURABILITY="process", **spare),
        bench.dicomhub("dicomhub, power", **spare),
        to.storescp("DCMTK +B --fork, Nagle off here too", "--bit-preserving", "--fork", has_nagle=False),
    ]
    slow = [
        to.storescp("DCMTK +B --fork", "--bit-preserving", "--fork"),
        to.pynetdicom("pynetdicom"),
    ]
    editions = count()

    def measure(receiver: Receiver, running: Running) -> list[Figures]:
        series, passes = (much, _PASSES) if receiver in fast else (little, 2)
        size_bytes = sum(one.size_bytes for one in series)
        least_bytes = size_bytes // sum(one.instances for one in series) // 2
        send_at_once(running.port, series, senders=_MOST, edition=next(editions))
        used = cpu_seconds_at_rest(running.pid)
        figures: list[Figures] = []
        for passed in range(passes):
            of_pass = {}
            for senders in _SENDERS if passed % 2 == 0 else _SENDERS[::-1]:
                # Else so much waits for being written to the disk that the kernel begins with it.
                empty(files_in(running.folder, least_bytes=least_bytes))
                seconds = send_at_once(running.port, series, senders=senders, edition=next(editions))
                used_before, used = used, cpu_seconds_at_rest(running.pid)
                of_pass[f"rate {senders}"] = size_bytes / seconds / 1e6
                of_pass[f"cpu {senders}"] = (used - used_before) / size_bytes * 1e9
            figures.append(of_pass)
        return figures

    by_round = bench.in_rounds([*fast, *slow], measure)
    passes = {name: list(chain.from_iterable(rounds)) for name, rounds in by_round.items()}
    middle = {name: medians(figures) for name, figures in passes.items()}
    bench.chart.write_text(_curve(middle), "utf-8")
    work = f"{_MOST} series of {each} CT of 512x512x16 (of {few} for the last two)"
    title = f"Scale: {work}, each on an association of its own, divided among light senders"
    return [
        Table(
            title,
            ("receiver: MB/s (CPU-s a GB)", *map(str, _SENDERS)),
            [(name, *_points(figures)) for name, figures in middle.items()],
            f"Medians of {_PASSES} passes a round, of 2 for the last two.\n\n"
            f"![Throughput by senders]({bench.chart.name})",
        ),
        Table(
            "Scale, step by step: ratios within a pass, geometric means and their standard errors",
            ("receiver", *(f"{fewer} to {more}" for fewer, more in pairwise(_SENDERS))),
            [(name, *_steps(figures)) for name, figures in passes.items()],
        ),
    ]


def _series(bench: Bench, name: str, instances: int) -> list[Series]:
    return [bench.series(f"{name}{n}", instances=instances, rows=512) for n in range(_MOST)]


def _curve(middle: Mapping[str, Figures]) -> str:
    rates = {name: [figures[f"rate {n}"] for n in _SENDERS] for name, figures in middle.items()}
    return line_chart("Throughput by the number of senders", "senders at a time", "MB/s", _SENDERS, rates)


def _points(figures: Figures) -> Iterable[str]:
    return (f"{number(figures[f'rate {n}'])} ({figures[f'cpu {n}']:.1f})" for n in _SENDERS)


def _steps(passes: Sequence[Figures]) -> Iterable[str]:
    """What twice as many senders bring. A pass takes seconds: steadier than the rates of minutes."""
    for fewer, more in pairwise(_SENDERS):
        yield mean_ratio([figures[f"rate {more}"] / figures[f"rate {fewer}"] for figures in passes])
