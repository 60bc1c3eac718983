"""The embedded warehouse: a Parquet file a load, read by DuckDB."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from tasks.warehouse.arrow_rows import RowsMalformed, arrow_rows, arrow_schema
from tasks.warehouse.compaction import Compaction
from tasks.warehouse.dialects import DUCKDB
from tasks.warehouse.duckdb_reader import DuckDbReader
from tasks.warehouse.manifest import (
    Manifest,
    ManifestDamaged,
    SchemaOlder,
    TableFolder,
    TableMissing,
    check_version,
)
from tasks.warehouse.parquet_file import ROW_GROUP_ROWS, FileVanished, new_file, parquet_writer
from tasks.warehouse.port import (
    LoadOutcome,
    LoadStatus,
    QueryResult,
    QueryTooLong,
    TableStatus,
    WarehouseUnavailable,
    check_label,
)
from tasks.warehouse.queries import QueryName, statement
from tasks.warehouse.repair import set_damaged_aside
from tasks.warehouse.tables import SCHEMA_VERSION, TABLES, Table


class ParquetWarehouse:
    """A folder a table under the root. See manifest.py for what is in it, and docs/warehouse.md."""

    def __init__(self, root: Path, *, memory_bytes: int, threads: int, log_retention_months: int) -> None:
        self._root = root
        self._reader = DuckDbReader(root, memory_bytes=memory_bytes, threads=threads)
        self._log_retention_months = log_retention_months

    def load(self, table: Table, label: str, rows: bytes) -> LoadOutcome:
        check_label(label)
        folder = TableFolder(self._root / table.name)
        try:
            manifest = folder.manifest()
            check_version(manifest)
            if label in manifest.consumed or folder.load_path(label).exists():
                return LoadOutcome(LoadStatus.ALREADY_THERE)
            return _write_load(folder, table, label, arrow_rows(table, rows))
        except RowsMalformed as error:
            return LoadOutcome(LoadStatus.REJECTED, str(error))
        except (TableMissing, ManifestDamaged, SchemaOlder, PermissionError) as error:
            return LoadOutcome(LoadStatus.MISCONFIGURED, _explain(error))
        except (OSError, pa.ArrowException, FileVanished) as error:
            # It may have failed once the file had its name.
            is_there = folder.load_path(label).exists()
            return LoadOutcome(LoadStatus.UNKNOWN if is_there else LoadStatus.BUSY, str(error))

    def query(
        self, name: QueryName, parameters: Mapping[str, Any], *, seconds: float | None = None
    ) -> QueryResult:
        with _translated():
            try:
                return self._reader.query(statement(name, DUCKDB, parameters), seconds=seconds)
            except duckdb.InterruptException:
                raise QueryTooLong(seconds) from None

    def initialise(self) -> None:
        with _translated():
            for table in TABLES:
                _create(TableFolder(self._root / table.name), table)

    def status(self) -> tuple[TableStatus, ...]:
        rows = dict(self.query(QueryName.ROWS, {"tenant": None}).rows)
        with _translated():
            return tuple(self._status(table, rows[table.name]) for table in TABLES)

    def _status(self, table: Table, rows: int) -> TableStatus:
        with TableFolder(self._root / table.name).snapshot() as snapshot:
            data = snapshot.compacted + snapshot.loads
            return TableStatus(
                name=table.name,
                rows=rows,
                size_bytes=sum(path.stat().st_size for path in data),
                files=len(data),
                waiting=len(snapshot.loads),
                schema_version=snapshot.manifest.schema_version,
            )

    def compact(self) -> None:
        """A table that cannot be compacted does not keep the others from it."""
        now = datetime.now(UTC)
        failed: list[WarehouseUnavailable] = []
        for table in TABLES:
            folder = TableFolder(self._root / table.name)
            try:
                with _translated():
                    Compaction(folder, table, self._reader, now, self._log_retention_months).run()
            except WarehouseUnavailable as error:
                failed.append(error)
        if failed:
            raise failed[0]

    def repair(self) -> tuple[str, ...]:
        with _translated():
            folders = (TableFolder(self._root / table.name) for table in TABLES)
            return tuple(str(path) for folder in folders for path in set_damaged_aside(folder))


def _write_load(folder: TableFolder, table: Table, label: str, rows: pa.Table) -> LoadOutcome:
    # The label may have been loaded since it was looked up, and even consumed: then the file that is linked
    # here is one whose label the manifest has, which nobody reads.
    try:
        with (
            new_file(folder.temporary, folder.load_path(label)) as file,
            parquet_writer(table, file, rows.schema) as writer,
        ):
            writer.write_table(rows, ROW_GROUP_ROWS)
    except FileExistsError:
        return LoadOutcome(LoadStatus.ALREADY_THERE)
    return LoadOutcome(LoadStatus.LOADED)


def _create(folder: TableFolder, table: Table) -> None:
    """Columns are only ever added, so an older table's files are read as they are."""
    folder.create()
    with folder.compaction_lock(wait=True):
        try:
            manifest = folder.manifest()
        except TableMissing:
            manifest = Manifest(schema_version=0)
        if manifest.schema_version < SCHEMA_VERSION:
            with suppress(FileExistsError):  # who made it was killed before the last line
                _write_schema(folder, table)
            folder.replace_manifest(replace(manifest, schema_version=SCHEMA_VERSION))


def _write_schema(folder: TableFolder, table: Table) -> None:
    with new_file(folder.temporary, folder.schema_path(SCHEMA_VERSION)) as file:
        parquet_writer(table, file, arrow_schema(table)).close()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (TableMissing, ManifestDamaged, SchemaOlder) as error:
        raise WarehouseUnavailable(_explain(error)) from error
    except (OSError, duckdb.Error, pa.ArrowException, FileVanished) as error:
        remedy = "; should one be damaged, `manage.py warehouse repair` sets it aside"
        raise WarehouseUnavailable(f"the warehouse's files: {_first_line(error)}{remedy}") from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _explain(error: TableMissing | ManifestDamaged | SchemaOlder | PermissionError) -> str:
    match error:
        case PermissionError():
            return str(error)
        case TableMissing():
            return f"there is no table {error}: run `manage.py warehouse init`"
        case ManifestDamaged():
            return f"a manifest is damaged: {error}"
        case SchemaOlder():
            return f"the tables' {error}: run `manage.py warehouse init`"
