"""The tables of the double: rows in DuckDB, checked as a load in strict mode with max_filter_ratio 0 checks them."""

import json
import threading
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import pyarrow as pa

from tests.support.doris.definition import (
    ColumnDefinition,
    DdlRefused,
    TableDefinition,
    read_column,
    read_table,
)

_INTEGER_BITS = {"SMALLINT": 16, "INT": 32, "BIGINT": 64}
_IN_ARROW = {
    "BOOLEAN": pa.bool_(), "SMALLINT": pa.int16(), "INT": pa.int32(), "BIGINT": pa.int64(),
    "DOUBLE": pa.float64(), "DATETIME": pa.timestamp("us"), "DATE": pa.date32(),
}  # fmt: skip


class RowsFiltered(Exception):
    """Rows that do not fit; lines as the error log has them."""

    def __init__(self, total: int, lines: list[str]) -> None:
        super().__init__("too many filtered rows")
        self.total, self.lines = total, lines


class UnknownTable(Exception):
    pass


class Catalog:
    """At most one database. All methods may be called from any thread."""

    def __init__(self) -> None:
        self.database: str | None = None
        self.tables: dict[str, TableDefinition] = {}
        self._lock = threading.RLock()
        self._duckdb = duckdb.connect(config={"threads": 1})

    def close(self) -> None:
        with self._lock:
            self._duckdb.close()

    def create_database(self, name: str) -> None:
        """Raises DdlRefused."""
        with self._lock:
            if self.database not in {None, name}:
                raise DdlRefused("the double has one database")
            self._duckdb.execute(f'CREATE SCHEMA IF NOT EXISTS "{name}"; USE "{name}"')
            self.database = name

    def drop_database(self, name: str) -> None:
        with self._lock:
            self._duckdb.execute(f'USE main; DROP SCHEMA IF EXISTS "{name}" CASCADE')
            self.database, self.tables = None, {}

    def create_table(self, sql: str) -> None:
        """Raises DdlRefused."""
        table = read_table(sql)
        with self._lock:
            if table.name not in self.tables:
                columns = ", ".join(f'"{column.name}" {column.in_duckdb}' for column in table.columns)
                self._duckdb.execute(f'CREATE TABLE "{table.name}" ({columns})')
                self.tables[table.name] = table
                self.comment(table.name, table.comment)

    def comment(self, table_name: str, text: str) -> None:
        with self._lock:
            self.table(table_name)
            self._duckdb.execute(f"COMMENT ON TABLE \"{table_name}\" IS '{text}'")

    def set_property(self, table_name: str, name: str, value: str) -> None:
        """Raises DdlRefused."""
        table = self.table(table_name)
        if name == "partition.retention_count" and table.partition is None:
            raise DdlRefused(f"{name} is for AUTO RANGE PARTITION tables")
        table.properties[name] = value

    def tablets(self, table_name: str) -> list[tuple[str, ...]]:
        """What SHOW TABLETS says of one bucket with one replica; all values are text, as Doris sends them."""
        with self._lock:
            self.table(table_name)
            ((rows,),) = self._duckdb.execute(f'SELECT count(*) FROM "{table_name}"').fetchall()
            return [("10150", "10151", "10002", str(rows * 100), str(rows), "1")]

    def add_column(self, table_name: str, definition: str) -> None:
        """Raises DdlRefused."""
        column = read_column(definition)
        with self._lock:
            table = self.table(table_name)
            if any(existing.name == column.name for existing in table.columns):
                raise DdlRefused(f"Can not add column which already exists: {column.name}")
            if not column.nullable:
                raise DdlRefused(f"a column added to rows must be nullable here: {column.name}")
            self._duckdb.execute(f'ALTER TABLE "{table_name}" ADD COLUMN "{column.name}" {column.in_duckdb}')
            self.tables[table_name] = replace(table, columns=(*table.columns, column))

    def drop_column(self, table_name: str, name: str) -> None:
        """For a table as an earlier version left it."""
        with self._lock:
            table = self.table(table_name)
            self._duckdb.execute(f'ALTER TABLE "{table_name}" DROP COLUMN "{name}"')
            columns = tuple(column for column in table.columns if column.name != name)
            self.tables[table_name] = replace(table, columns=columns)

    def table(self, name: str) -> TableDefinition:
        """Raises UnknownTable."""
        try:
            return self.tables[name]
        except KeyError:
            raise UnknownTable(name) from None

    def read_rows(self, table_name: str, body: bytes) -> pa.Table:
        """The rows of a body of JSON lines. Raises RowsFiltered, UnknownTable."""
        table = self.table(table_name)
        columns: dict[str, list[Any]] = {column.name: [] for column in table.columns}
        filtered = []
        lines = [line for line in body.split(b"\n") if line.strip()]
        for line in lines:
            try:
                row = _checked_row(table, line)
            except ValueError as error:
                filtered.append(f"Reason: {error}. src line [{line.decode('utf-8', 'replace')}]; ")
                continue
            for name, values in columns.items():
                values.append(row[name])
        if filtered:
            raise RowsFiltered(len(lines), filtered)
        types = {column.name: _IN_ARROW.get(column.type, pa.string()) for column in table.columns}
        return pa.table({name: pa.array(values, types[name]) for name, values in columns.items()})

    def commit(self, table_name: str, rows: pa.Table) -> None:
        """Make rows visible, all or none; in a table with a unique key the larger sequence stays."""
        table = self.table(table_name)
        with self._lock:
            numbered = rows.append_column("position_in_load", pa.array(range(rows.num_rows), pa.int64()))
            self._duckdb.register("incoming", numbered)
            try:
                self._duckdb.execute("BEGIN")
                names = ", ".join(f'"{name}"' for name in rows.column_names)
                self._duckdb.execute(_newest_only(table))
                self._duckdb.execute(f'INSERT INTO "{table_name}" ({names}) SELECT {names} FROM newest')
                self._duckdb.execute("DROP TABLE newest")
                self._duckdb.execute("COMMIT")
            except BaseException:
                self._duckdb.execute("ROLLBACK")
                raise
            finally:
                self._duckdb.unregister("incoming")

    def select(self, sql: str) -> tuple[list[tuple[Any, ...]], list[str]]:
        """Rows, and the columns' names."""
        with self._lock:
            cursor = self._duckdb.execute(sql)
            names = [column[0] for column in cursor.description or []]
            return cursor.fetchall(), names


def _newest_only(table: TableDefinition) -> str:
    """Leave of the table and of what comes in the row with the largest sequence of each key; of equals, the new."""
    key = ", ".join(f'"{name}"' for name in table.key)
    same = " AND ".join(f'old."{name}" IS NOT DISTINCT FROM new."{name}"' for name in table.key)
    order = f'"{table.sequence}" DESC, ' if table.sequence else ""
    newer = f'AND old."{table.sequence}" > new."{table.sequence}"' if table.sequence else "AND false"
    return f"""
        CREATE TEMP TABLE newest AS SELECT * EXCLUDE (position_in_load) FROM (
            SELECT * FROM incoming
            QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY {order} position_in_load DESC) = 1
        ) AS new WHERE NOT EXISTS (SELECT 1 FROM "{table.name}" AS old WHERE {same} {newer});
        DELETE FROM "{table.name}" AS old WHERE EXISTS (SELECT 1 FROM newest AS new WHERE {same})
    """


def _checked_row(table: TableDefinition, line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError:
        raise ValueError("Parse json data for JsonDoc failed, error info: Invalid value") from None
    if not isinstance(row, dict):
        raise ValueError("Parse json data failed: JSON data is not an object")  # noqa: TRY004
    return {column.name: _checked(column, row.get(column.name)) for column in table.columns}


def _checked(column: ColumnDefinition, value: Any) -> Any:
    if value is None:
        if not column.nullable:
            raise ValueError(
                f"column_name[{column.name}], null value for not null column, type={column.type}"
            )
        return None
    try:
        return _cast(column, value)
    except (ValueError, TypeError, OverflowError):
        raise ValueError(
            f"parse number fail or type mismatch, column_name[{column.name}] {column.type}"
        ) from None


def _cast(column: ColumnDefinition, value: Any) -> Any:  # noqa: PLR0911 - a type each
    match column.type:
        case "VARIANT":
            return json.dumps(value)
        case "VARCHAR" | "STRING":
            text = value if isinstance(value, str) else json.dumps(value)
            if column.length is not None and len(text.encode()) > column.length:
                raise ValueError("the length of input is too long than schema")
            return text
        case "BOOLEAN":
            return {"true": True, "false": False, "1": True, "0": False}[str(value).lower()]
        case "DOUBLE":
            return float(value)
        case "DATE":
            return date.fromisoformat(value)
        case "DATETIME":
            at = datetime.fromisoformat(value)
            return at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at
    number = int(value)
    if isinstance(value, float) and value != number:
        raise ValueError("not an integer")
    if not -(2 ** (_INTEGER_BITS[column.type] - 1)) <= number < 2 ** (_INTEGER_BITS[column.type] - 1):
        raise ValueError("out of range")
    return number
