"""The numbers of one slot of the scoreboard: one writer, no lock, nothing to leave held.

A number is one aligned word that is loaded, added to and stored by the slot's only writer. A kill -9 in
between loses that one count, and never tears a number.
"""

from bisect import bisect_left
from collections.abc import Sequence

from scp.meters import PLACES, TALLY_WORDS, Counter, Histogram

_WORD_BYTES = 8
TALLY_BYTES = TALLY_WORDS * _WORD_BYTES


class Tally:
    def __init__(self, memory: memoryview) -> None:
        self.memory = memory
        self._numbers = memory.cast("Q")
        self._sums = memory.cast("d")

    def count(self, counter: Counter, *labels: str, by: int = 1) -> None:
        self._numbers[PLACES[counter.name] + counter.index[labels]] += by

    def observe(self, histogram: Histogram, value: float) -> None:
        place = PLACES[histogram.name]
        self._numbers[place + bisect_left(histogram.bounds, value)] += 1
        self._sums[place + len(histogram.bounds) + 1] += value

    def counts(self) -> list[int]:
        """Every word as a whole number; those that are sums are read by sums()."""
        return self._numbers.tolist()

    def sums(self) -> Sequence[float]:
        return self._sums.tolist()


def added_up(tallies: Sequence[Tally]) -> tuple[list[int], list[float]]:
    """The words of all slots added up, place by place: as counts, and as the sums of histograms."""
    if not tallies:
        return [0] * TALLY_WORDS, [0.0] * TALLY_WORDS
    counts = [sum(column) for column in zip(*(tally.counts() for tally in tallies), strict=True)]
    sums = [sum(column) for column in zip(*(tally.sums() for tally in tallies), strict=True)]
    return counts, sums
