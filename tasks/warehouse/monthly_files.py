"""Rows into files of a million at most: a log's by month, a folder each."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from types import TracebackType
from typing import Self
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc

from tasks.warehouse.arrow_rows import arrow_schema
from tasks.warehouse.manifest import DataFile, TableFolder
from tasks.warehouse.parquet_file import ROW_GROUP_ROWS, new_file, parquet_writer
from tasks.warehouse.tables import Table

FULL_FILE_ROWS = 1_000_000


def month_before(now: datetime, months: int) -> str:
    """The month that was so many months ago: "2024-11"."""
    year, month = divmod(now.year * 12 + now.month - 1 - months, 12)
    return f"{year:04}-{month + 1:02}"


class MonthlyFiles:
    """Rows of a month before first_month are left out. written is whole once the block has ended well."""

    def __init__(self, folder: TableFolder, table: Table, first_month: str) -> None:
        self._folder = folder
        self._table = table
        self._first_month = first_month
        self._growing: dict[str, _GrowingFile] = {}
        self.written: list[DataFile] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for month in list(self._growing):
            if error is None:
                self._finish(month)
            else:
                self._growing.pop(month).stack.__exit__(kind, error, traceback)

    def add(self, rows: pa.Table) -> None:
        for month, of_month in _by_month(rows, self._table.partition_by):
            if of_month.num_rows and month >= self._first_month:
                if month not in self._growing:
                    self._growing[month] = _GrowingFile(self._folder, self._table, month)
                self._growing[month].add(of_month)
                if self._growing[month].rows >= FULL_FILE_ROWS:
                    self._finish(month)

    def _finish(self, month: str) -> None:
        self.written.append(self._growing.pop(month).finished())


class _GrowingFile:
    """Gathers rows for a row group, so that many small loads become few large groups."""

    def __init__(self, folder: TableFolder, table: Table, month: str) -> None:
        self._month = month
        parent = folder.data / f"month={month}" if month else folder.data
        parent.mkdir(exist_ok=True)
        self._path = parent / f"{uuid4().hex}.parquet"
        self._relative_path = str(self._path.relative_to(folder.path))
        self.stack = ExitStack()
        file = self.stack.enter_context(new_file(folder.temporary, self._path))
        self._writer = self.stack.enter_context(parquet_writer(table, file, arrow_schema(table)))
        self._gathered: list[pa.Table] = []
        self._gathered_rows = 0
        self.rows = 0

    def add(self, rows: pa.Table) -> None:
        self._gathered.append(rows)
        self._gathered_rows += rows.num_rows
        self.rows += rows.num_rows
        if self._gathered_rows >= ROW_GROUP_ROWS:
            self._write(self._gathered_rows - self._gathered_rows % ROW_GROUP_ROWS)

    def _write(self, number_of_rows: int) -> None:
        """Write so many of what is gathered, and keep the others for the next row group."""
        gathered = pa.concat_tables(self._gathered)
        self._writer.write_table(gathered[:number_of_rows], ROW_GROUP_ROWS)
        self._gathered_rows -= number_of_rows
        self._gathered = [gathered[number_of_rows:]] if self._gathered_rows else []

    def finished(self) -> DataFile:
        with self.stack:
            if self._gathered:
                self._write(self._gathered_rows)
        return DataFile(
            path=self._relative_path,
            rows=self.rows,
            size_bytes=self._path.stat().st_size,
            month=self._month,
        )


def _by_month(rows: pa.Table, partition_by: str | None) -> Iterator[tuple[str, pa.Table]]:
    if partition_by is None or not rows.num_rows:
        yield "", rows
        return
    first, last = (f"{end.as_py():%Y-%m}" for end in pc.min_max(rows[partition_by]).values())
    if first == last:
        yield first, rows
        return
    months = pc.strftime(rows[partition_by], "%Y-%m")
    for month in pc.unique(months).to_pylist():
        yield month, rows.filter(pc.equal(months, month))
