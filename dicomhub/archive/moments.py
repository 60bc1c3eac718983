"""Conditions on a date and its time taken together, in the time zone of the search. PS3.4 C.2.2.2.5.

A row's own zone is its Timezone Offset From UTC. There are a few of them in an archive, so a search with a
zone first looks which there are among the rows of those days, and then asks for the same moments on their
clocks.
"""

from datetime import date, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from dicomhub.archive.columns import Column
from dicomhub.archive.match_rules import MomentKey
from dicomhub.standard.moment import MomentRange, parse_offset

_DAY = timedelta(days=1)
_OFFSET = "timezone_offset_from_utc"


def moment_condition(key: MomentKey, day: Column, clock: Column, path: str, rows: QuerySet[Any]) -> Q:
    """rows: those of the tenant's that the columns are of; path leads to them ("study__")."""
    if not _has_zone(key.wanted):
        return _on_clocks(key, key.wanted, day, clock, path)
    near = _days(key.wanted.on_clocks_of(None), day.name, margin=_DAY)
    condition = Q(pk__in=())
    for offset in rows.filter(near).order_by().values_list(_OFFSET, flat=True).distinct():
        wanted = key.wanted.on_clocks_of(parse_offset(offset))
        condition |= Q(**{path + _OFFSET: offset}) & _on_clocks(key, wanted, day, clock, path)
    return condition & _days(key.wanted.on_clocks_of(None), path + day.name, margin=_DAY)


def _has_zone(wanted: MomentRange) -> bool:
    return any(end is not None and end.tzinfo is not None for end in (wanted.earliest, wanted.latest))


def _on_clocks(key: MomentKey, wanted: MomentRange, day: Column, clock: Column, path: str) -> Q:
    """Wanted has no zone. Whatever has a date and no time fulfils what asks for dates alone."""
    date_field, time_field = path + day.name, path + clock.name
    condition = _days(wanted, date_field)
    if wanted.earliest is not None:
        first = wanted.earliest
        condition &= Q(**{f"{date_field}__gt": first.date()}) | Q(**{f"{time_field}__gte": first.time()})
    if wanted.latest is not None:
        last = wanted.latest
        condition &= Q(**{f"{date_field}__lt": last.date()}) | Q(**{f"{time_field}__lte": last.time()})
    is_without_time = Q(**{f"{time_field}__isnull": True})
    if key.is_time_needed:
        return condition & ~is_without_time
    return (condition & ~is_without_time) | (
        is_without_time & _days(key.wanted.on_clocks_of(None), date_field)
    )


def _days(wanted: MomentRange, field: str, *, margin: timedelta = timedelta()) -> Q:
    days = Q()
    if wanted.earliest is not None:
        days &= Q(**{f"{field}__gte": _moved(wanted.earliest.date(), -margin)})
    if wanted.latest is not None:
        days &= Q(**{f"{field}__lte": _moved(wanted.latest.date(), margin)})
    return days


def _moved(day: date, by: timedelta) -> date:
    try:
        return day + by
    except OverflowError:
        return day
