"""Questions to Parquet files, answered by DuckDB: one row a key, whatever the files hold."""

import os
import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from tasks.warehouse.arrow_rows import KEY_HASH
from tasks.warehouse.manifest import Snapshot, TableFolder
from tasks.warehouse.port import QueryResult
from tasks.warehouse.queries import Statement
from tasks.warehouse.tables import TABLES, Table

_INTERRUPT_SECONDS = 0.05
_FILES = "read_parquet($files, union_by_name = true)"
_TWICE_AMONG_LOADS = f"""
    SELECT {KEY_HASH} FROM read_parquet($loads) GROUP BY {KEY_HASH} HAVING count(*) > 1"""
_TWICE_BETWEEN = f"""
    SELECT {KEY_HASH} FROM read_parquet($compacted)
    WHERE {KEY_HASH} IN (SELECT {KEY_HASH} FROM read_parquet($loads))"""


class DuckDbReader:
    """One database in memory a process, a cursor a question: may be shared among threads, and forked."""

    def __init__(self, root: Path, *, memory_bytes: int, threads: int) -> None:
        self._root = root
        self._memory_bytes = memory_bytes
        self._threads = threads
        self._lock = threading.Lock()
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._process_id = 0
        self._superseded: dict[str, tuple[tuple[Path, ...], pa.Table]] = {}

    def query(self, statement: Statement, *, seconds: float | None = None) -> QueryResult:
        """Raises TableMissing, ManifestDamaged, OSError, duckdb.Error (InterruptException: too long)."""
        with ExitStack() as stack:
            cursor = stack.enter_context(self._cursor())
            if seconds is not None:
                stack.enter_context(_interrupted_after(seconds, cursor))
            for table in TABLES:
                if re.search(rf"\b{table.name}\b", statement.sql):
                    snapshot = stack.enter_context(TableFolder(self._root / table.name).snapshot())
                    self._create_view(cursor, table, snapshot)
            cursor.execute(statement.sql, statement.parameters)
            columns = tuple(column[0] for column in cursor.description or ())
            return QueryResult(columns, tuple(cursor.fetchall()))

    def superseded_rows(self, table: Table, snapshot: Snapshot) -> pa.Table:
        """The rows whose place another row with the same key has taken.

        file_index and file_row_number, both counted from 0, of the snapshot's files. Raises duckdb.Error.
        """
        known = self._superseded.get(table.name)
        if known is None or known[0] != snapshot.files:
            with self._cursor() as cursor:
                known = snapshot.files, _superseded(cursor, table, snapshot)
            self._superseded[table.name] = known
        return known[1]

    def _create_view(self, cursor: duckdb.DuckDBPyConnection, table: Table, snapshot: Snapshot) -> None:
        superseded = self.superseded_rows(table, snapshot)
        cursor.execute(f"SET VARIABLE {table.name}_files = $files", {"files": _texts(snapshot.files)})
        columns = ", ".join(column.name for column in table.columns)
        without = ""
        if superseded.num_rows:
            cursor.register(f"{table.name}_superseded", superseded)
            without = f"ANTI JOIN {table.name}_superseded USING (file_index, file_row_number)"
        cursor.execute(
            f"CREATE TEMP VIEW {table.name} AS SELECT {columns} "
            f"FROM read_parquet(getvariable('{table.name}_files'), union_by_name = true) {without}"
        )

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        with self._lock:
            if self._connection is None or self._process_id != os.getpid():
                self._connection = self._connect()
                self._process_id = os.getpid()
            return self._connection.cursor()

    def _connect(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(
            config={
                "memory_limit": f"{self._memory_bytes}B",
                "threads": self._threads,
                "temp_directory": str(self._root / "spill"),
                "autoinstall_known_extensions": False,
                "default_null_order": "nulls_first_on_asc_last_on_desc",  # as Doris sorts
            }
        )
        connection.execute("SET parquet_metadata_cache = true")
        return connection


@contextmanager
def _interrupted_after(seconds: float, cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
    is_over = threading.Event()

    def interrupt() -> None:
        is_over.wait(seconds)
        while not is_over.wait(_INTERRUPT_SECONDS):  # one that comes between two statements stops neither
            cursor.interrupt()

    watch = threading.Thread(target=interrupt, name="query-seconds", daemon=True)
    watch.start()
    try:
        yield
    finally:
        is_over.set()
        watch.join()


def _superseded(cursor: duckdb.DuckDBPyConnection, table: Table, snapshot: Snapshot) -> pa.Table:
    """Hashes find what may be twice; then the keys themselves decide."""
    loads, compacted = _texts(snapshot.loads), _texts(snapshot.compacted)
    twice: list[Any] = []
    if loads:
        twice += cursor.execute(_TWICE_AMONG_LOADS, {"loads": loads}).fetchall()
    if loads and compacted:
        between = {"loads": loads, "compacted": compacted}
        twice += cursor.execute(_TWICE_BETWEEN, between).fetchall()
    if not twice:
        return pa.table(
            {"file_index": pa.array([], pa.uint64()), "file_row_number": pa.array([], pa.int64())}
        )
    cursor.register("twice", pa.table({KEY_HASH: pa.array({row[0] for row in twice}, pa.uint64())}))
    newest_first = f"{table.sequence} DESC, " if table.sequence else ""
    return cursor.sql(
        f"""
        SELECT file_index, file_row_number FROM (
            SELECT file_index, file_row_number, row_number() OVER (
                PARTITION BY {", ".join(table.key)}
                ORDER BY {newest_first} file_index DESC, file_row_number DESC) AS place
            FROM {_FILES} SEMI JOIN twice USING ({KEY_HASH}))
        WHERE place > 1 ORDER BY file_index, file_row_number""",
        params={"files": _texts(snapshot.files)},
    ).to_arrow_table()


def _texts(paths: tuple[Path, ...]) -> list[str]:
    return list(map(str, paths))
