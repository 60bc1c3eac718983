"""Many small files become few: rows that were superseded, or are past their time, stay behind.

What is compacted is written beside what is read, and becomes the table by one replacement of the manifest. A
file is removed when no manifest in use names it. A compaction that is killed leaves files that no manifest
names, and the next one removes them.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dicomhub.log import logger
from tasks.warehouse.arrow_rows import arrow_schema
from tasks.warehouse.duckdb_reader import DuckDbReader
from tasks.warehouse.manifest import DataFile, Manifest, Snapshot, TableFolder, label_of
from tasks.warehouse.monthly_files import FULL_FILE_ROWS, MonthlyFiles, month_before
from tasks.warehouse.parquet_file import remove_abandoned
from tasks.warehouse.tables import Table

RowNumbers = np.ndarray[Any, np.dtype[np.int64]]

_LABELS_KNOWN_SECONDS = 3 * 24 * 3600
# A file is written anew when what joins it has at least half its rows: a row is written about as often as its
# table has grown by half.
_JOINED_AT_MOST = 2


@dataclass(frozen=True, slots=True)
class Compaction:
    folder: TableFolder
    table: Table
    reader: DuckDbReader
    now: datetime
    log_retention_months: int

    def run(self) -> None:
        """Nothing while another process is at it.

        Raises TableMissing, SchemaOlder, ManifestDamaged, OSError, duckdb.Error, pa.ArrowException.
        """
        with self.folder.compaction_lock() as is_mine:
            is_left = is_mine
            while is_left:
                with self.folder.snapshot() as snapshot:
                    loads = _first(snapshot.loads)
                    is_left = len(loads) < len(snapshot.loads)
                    self._compact(snapshot, loads)
                remove_unused(self.folder)

    def _compact(self, snapshot: Snapshot, loads: tuple[Path, ...]) -> None:
        first_month = month_before(self.now, self.log_retention_months) if self.table.partition_by else ""
        held = tuple(file for file in snapshot.manifest.files if file.month >= first_month)
        if not loads and len(held) == len(snapshot.manifest.files):
            return
        superseded = self._superseded(snapshot)
        joined = self._joined(held, loads, superseded)
        files = MonthlyFiles(self.folder, self.table, first_month)
        with files:
            for path in (*(self.folder.path / file.path for file in joined), *loads):
                for rows in _remaining_rows(path, superseded.get(path), arrow_schema(self.table)):
                    files.add(rows)
        self.folder.replace_manifest(
            replace(
                snapshot.manifest,
                files=(*(file for file in held if file not in joined), *files.written),
                consumed=self._consumed(snapshot.manifest, loads),
            )
        )
        logger().info(
            "warehouse_compacted",
            table=self.table.name,
            loads=len(loads),
            joined=len(joined),
            written=len(files.written),
            rows=sum(file.rows for file in files.written),
        )

    def _superseded(self, snapshot: Snapshot) -> dict[Path, RowNumbers]:
        found = self.reader.superseded_rows(self.table, snapshot)
        indexes, rows = found["file_index"].to_numpy(), found["file_row_number"].to_numpy()
        return {snapshot.files[index]: rows[indexes == index] for index in np.unique(indexes)}

    def _joined(
        self, held: tuple[DataFile, ...], loads: tuple[Path, ...], superseded: dict[Path, RowNumbers]
    ) -> list[DataFile]:
        """The compacted files to write anew: those that have lost rows, and those that are small by now."""
        joined = [file for file in held if self.folder.path / file.path in superseded]
        months = _months(loads, self.table.partition_by)
        rows = sum(pq.read_metadata(path).num_rows for path in loads)
        for file in sorted(held, key=lambda file: file.rows):
            if file.rows > _JOINED_AT_MOST * rows or file.rows >= FULL_FILE_ROWS:
                break
            if file.month in months and file not in joined:
                joined.append(file)
                rows += file.rows
        return joined

    def _consumed(self, manifest: Manifest, loads: tuple[Path, ...]) -> dict[str, int]:
        """A label is forgotten after its time, unless its file is still there: it would be read again."""
        now = int(self.now.timestamp())
        known = {
            label: at
            for label, at in manifest.consumed.items()
            if now - at < _LABELS_KNOWN_SECONDS or self.folder.load_path(label).exists()
        }
        return known | {label_of(path): now for path in loads}


def remove_unused(folder: TableFolder) -> None:
    """Remove the files that nobody reads any more, and what killed processes have left.

    Only for who holds the compaction lock.
    """
    in_use = folder.manifests_in_use()
    named = {folder.path / file.path for manifest in in_use for file in manifest.files}
    for path in folder.data.rglob("*.parquet"):
        if path not in named:
            path.unlink()
    for month in folder.data.glob("month=*"):
        with suppress(OSError):  # it holds files
            month.rmdir()
    for path in folder.load_files():
        if all(label_of(path) in manifest.consumed for manifest in in_use):
            path.unlink()
    remove_abandoned(folder.temporary)


def _first(loads: tuple[Path, ...]) -> tuple[Path, ...]:
    """About a file full of them, so that a compaction that runs out of time has done something."""
    rows = 0
    for number, path in enumerate(loads):
        rows += pq.read_metadata(path).num_rows
        if rows >= FULL_FILE_ROWS:
            return loads[: number + 1]
    return loads


def _remaining_rows(path: Path, superseded: RowNumbers | None, schema: pa.Schema) -> Iterator[pa.Table]:
    first = 0
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            rows = file.read_row_group(group)
            if superseded is not None:
                numbers = np.arange(first, first + rows.num_rows)
                rows_left = rows.filter(pa.array(~np.isin(numbers, superseded)))
            else:
                rows_left = rows
            first += rows.num_rows
            yield _conformed(rows_left, schema)


def _conformed(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Columns that are younger than the file are null."""
    columns = [
        rows[field.name] if field.name in rows.schema.names else pa.nulls(rows.num_rows, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _months(loads: tuple[Path, ...], partition_by: str | None) -> set[str]:
    """The first and the last month of each load; hardly any has another in between."""
    if partition_by is None:
        return {""}
    ends = (pc.min_max(pq.read_table(path, columns=[partition_by])[partition_by]) for path in loads)
    return {f"{end[side].as_py():%Y-%m}" for end in ends for side in ("min", "max")}
