"""The scoreboard as Prometheus reads it, and the file that it is read from."""

import time
from collections import Counter as Tallied
from collections.abc import Iterator
from pathlib import Path

from dicomhub.exposition import Family, Sample, gauge, render
from dicomhub.storage.durable import replace_small
from scp.meters import METERS, PLACES, PREFIX, Counter, Histogram
from scp.scoreboard import AssociationState, ChildState, Scoreboard
from scp.tally import added_up


class SnapshotFile:
    """Replaced whole, about once a second; gone when the SCP has stopped."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, text: str) -> None:
        """Raises OSError, and the earlier snapshot is still there then."""
        # Not a .prom while it is written: node_exporter must not read half of it.
        replace_small(self._path, text.encode())

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)


def exposed(scoreboard: Scoreboard) -> Iterator[Family]:
    """All counters and histograms, summed over every slot there ever was, and who is there now."""
    counts, sums = added_up(scoreboard.tallies())
    for meter in METERS:
        place = PLACES[meter.name]
        match meter:
            case Counter():
                yield _counter(meter, counts[place : place + meter.words])
            case Histogram():
                buckets = counts[place : place + meter.words - 1]
                yield _histogram(meter, buckets, sums[place + meter.words - 1])
    yield from _present(scoreboard)


def _counter(counter: Counter, numbers: list[int]) -> Family:
    samples = [
        Sample(number, tuple(zip(counter.labels, values, strict=True)))
        for values, number in zip(counter.values, numbers, strict=True)
    ]
    return Family(counter.name, "counter", counter.help, samples)


def _histogram(histogram: Histogram, buckets: list[int], total: float) -> Family:
    samples, so_far = [], 0
    for bound, number in zip((*map(_bound, histogram.bounds), "+Inf"), buckets, strict=True):
        so_far += number
        samples.append(Sample(so_far, (("le", bound),), "_bucket"))
    samples += [Sample(total, (), "_sum"), Sample(so_far, (), "_count")]
    return Family(histogram.name, "histogram", histogram.help, samples)


def _bound(bound: float) -> str:
    return repr(float(bound))


def _present(scoreboard: Scoreboard) -> Iterator[Family]:
    statuses = scoreboard.statuses()
    children = Tallied(status.state for status in statuses)
    associations = Tallied(status.association for status in statuses)
    yield Family(
        f"{PREFIX}children",
        "gauge",
        "Child processes of every role, by state.",
        [
            Sample(children[state], (("state", state.name.lower()),))
            for state in ChildState
            if state is not ChildState.FREE
        ],
    )
    yield Family(
        f"{PREFIX}associations",
        "gauge",
        "Associations in progress, by state.",
        [
            Sample(associations[state], (("state", state.name.lower()),))
            for state in AssociationState
            if state is not AssociationState.NONE
        ],
    )
    yield gauge(f"{PREFIX}is_saturated", "1 while further associations are refused.", scoreboard.is_saturated)
    yield gauge(f"{PREFIX}snapshot_timestamp_seconds", "When this was written.", round(time.time(), 3))


def snapshot(scoreboard: Scoreboard, *more: Family) -> str:
    return render([*exposed(scoreboard), *more])
