"""How long the disk will do: a robust line through the archive's size, and what it is worth."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate, combinations
from statistics import quantiles

from dicomhub.archive.pages.text import size

LEAST_DAYS = 7
# Beyond this a number of days says no more than that it is far away.
FAR_DAYS = 10 * 365


@dataclass(frozen=True, slots=True)
class Growth:
    """Bytes a day: the median of the slopes, and where the slowest and the fastest quarter of them begin."""

    slow: float
    usual: float
    fast: float


def growth(bytes_by_day: Sequence[int]) -> Growth | None:
    """The line of Theil and Sen through the size at the end of each day; None of too few days.

    Each pair of days has a slope, and the median of them is the line's: one import of ten years in a night
    moves it little, and nights and weekends are what they are. bytes_by_day: of whole days in a row.
    """
    if len(bytes_by_day) < LEAST_DAYS:
        return None
    sizes = list(enumerate(accumulate(bytes_by_day)))
    slopes = [(later - earlier) / (end - begin) for (begin, earlier), (end, later) in combinations(sizes, 2)]
    return Growth(*quantiles(slopes, n=4, method="inclusive"))


def forecast(bytes_by_day: Sequence[int], *, room_bytes: int, today: date) -> str:
    """A sentence or two. room_bytes: what is free above the reserve; bytes_by_day as growth() takes it."""
    if room_bytes <= 0:
        return "The disk's reserve is reached: nothing more is received until there is room again."
    room = f"{size(room_bytes)} are free above the disk's reserve."
    grows = growth(bytes_by_day)
    if grows is None:
        return f"{room} A forecast needs {LEAST_DAYS} whole days of receiving; there are {len(bytes_by_day)}."
    basis = f"in the last {len(bytes_by_day)} whole days (Theil-Sen regression, all tenants)"
    if grows.usual <= 0:
        return f"{room} No steady growth {basis}, so no forecast."
    return (
        f"{_reached(room_bytes / grows.usual, today)} {room} The archive grew by {size(round(grows.usual))} "
        f"a day {basis}.{_spread(room_bytes, grows)} What else fills this disk is not counted."
    )


def _reached(days: float, today: date) -> str:
    if days >= FAR_DAYS:
        return "The disk's reserve is more than ten years away."
    day = today + timedelta(days=int(days))
    return f"About {days:,.0f} days until the disk's reserve is reached, around {day.isoformat()}."


def _spread(room_bytes: int, grows: Growth) -> str:
    sooner, later = room_bytes / grows.fast, room_bytes / grows.slow if grows.slow > 0 else FAR_DAYS
    if sooner >= FAR_DAYS:
        return ""
    end = "more than ten years" if later >= FAR_DAYS else f"{later:,.0f} days"
    return f" Going by its faster and its slower times it is {sooner:,.0f} days to {end}."
