"""Every receiver in turn, several rounds: what else the machine does hits all alike."""

import os
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TypeVar

from tests.bench.receiving.receivers import Receiver, Running

_numbers = count()
Figures = Mapping[str, float]
T = TypeVar("T")


def measured_in_rounds(
    receivers: Sequence[Receiver],
    measure: Callable[[Receiver, Running], T],
    *,
    rounds: int,
    scratch: Path,
) -> dict[str, list[T]]:
    """What is measured of each receiver that is there, round by round, by the receiver's name."""
    measured: dict[str, list[T]] = {}
    for _ in range(rounds):
        for receiver in receivers:
            if receiver.is_missing:
                continue
            with fresh(receiver, scratch) as running:
                measured.setdefault(receiver.name, []).append(measure(receiver, running))
    return measured


class fresh:  # noqa: N801 - used as a function is
    """Run a receiver in a folder of its own, and give the disk's space back afterwards."""

    def __init__(self, receiver: Receiver, scratch: Path) -> None:
        self._folder = scratch / f"{next(_numbers):03d}"
        self._context = receiver.start(self._folder)

    def __enter__(self) -> Running:
        return self._context.__enter__()

    def __exit__(self, *exception: object) -> None:
        self._context.__exit__(*exception)  # type: ignore[arg-type]
        empty(files_in(self._folder))


def files_in(folder: Path | str, *, least_bytes: int = 0) -> Iterator[Path]:
    """All files in and below a folder, of so many bytes at least."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from files_in(entry.path, least_bytes=least_bytes)
            elif entry.is_file(follow_symlinks=False):
                with suppress(FileNotFoundError):  # a journal that has been published in this moment
                    if entry.stat().st_size >= least_bytes:
                        yield Path(entry.path)


def empty(files: Iterable[Path]) -> None:
    """Give the disk's space back, and leave the files.

    ext4 looks long at inodes that were deleted a moment ago when it makes new ones, and the next receiver would
    pay for that.
    """
    for file in files:
        os.truncate(file, 0)


def medians(figures: Iterable[Figures]) -> Figures:
    """The median of each figure."""
    by_name: dict[str, list[float]] = {}
    for each in figures:
        for name, value in each.items():
            by_name.setdefault(name, []).append(value)
    return {name: statistics.median(values) for name, values in by_name.items()}
