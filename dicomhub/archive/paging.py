"""A page of a large table: the keys first, the rows when they are wanted.

A database that sorts rows carries all they hold along, so it sorts their keys. Rows are read some at a time,
for a page may be of thousands. Counts of large tables are remembered for a moment: who turns pages asks for
the same one again and again, and it takes longer than the page.
"""

import time
from collections.abc import Iterator
from typing import Final, Generic, TypeVar

from django.db import connection
from django.db.models import Model, QuerySet

Row = TypeVar("Row", bound=Model)
_ROWS_A_STATEMENT: Final = 500
# Below this a count takes no time.
_REMEMBERED_FROM: Final = 10_000
_REMEMBERED_SECONDS: Final = 5.0
_REMEMBERED_COUNTS: Final = 256
_counts: dict[tuple[object, ...], tuple[float, int]] = {}


class Page(Generic[Row]):
    """limit rows from offset on, in the order of the query; additional: how many there are behind them.

    related: what is read along with a row.
    """

    def __init__(self, rows: QuerySet[Row], offset: int, limit: int, *, related: str) -> None:
        keys = list(rows.select_related(None).values_list("pk", flat=True)[offset : offset + limit + 1])
        self.additional = max(_count(rows) - offset - limit, 1) if len(keys) > limit else 0
        self._every: QuerySet[Row] = QuerySet(rows.model).select_related(related)
        self._keys = keys[:limit]

    def parts(self) -> Iterator[list[Row]]:
        """Without what has been deleted since."""
        for first in range(0, len(self._keys), _ROWS_A_STATEMENT):
            keys = self._keys[first : first + _ROWS_A_STATEMENT]
            found = {row.pk: row for row in self._every.filter(pk__in=keys)}
            yield [found[key] for key in keys if key in found]


def _count(rows: QuerySet[Row]) -> int:
    sql, parameters = rows.order_by().select_related(None).values("pk").query.sql_with_params()
    key = (connection.settings_dict["NAME"], sql, *parameters)
    known = _counts.get(key)
    now = time.monotonic()
    if known is not None and now - known[0] < _REMEMBERED_SECONDS:
        return known[1]
    count = rows.count()
    if count >= _REMEMBERED_FROM:
        if len(_counts) >= _REMEMBERED_COUNTS:
            _counts.clear()
        _counts[key] = (now, count)
    return count
