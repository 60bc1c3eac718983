"""The warehouse in Apache Doris: loads by Stream Load, questions by MySQL's protocol."""

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tasks.warehouse import ddl
from tasks.warehouse.doris_address import DorisAddress
from tasks.warehouse.doris_connections import DorisConnections
from tasks.warehouse.doris_dialect import DORIS
from tasks.warehouse.port import LoadOutcome, LoadStatus, QueryResult, TableStatus, WarehouseUnavailable
from tasks.warehouse.queries import QueryName, statement
from tasks.warehouse.stream_load import StreamLoad
from tasks.warehouse.tables import SCHEMA_VERSION, TABLES, Table


class DorisWarehouse:
    """The port's Warehouse. Connections are made when needed, and belong to the process that makes them."""

    def __init__(self, address: DorisAddress, *, log_retention_months: int) -> None:
        self._database = address.database
        self._settings = ddl.TableSettings(address.replication, address.buckets, log_retention_months)
        self._stream_load = StreamLoad(address)
        self._connections = DorisConnections(address)
        self._current: set[str] = set()

    def load(self, table: Table, label: str, rows: bytes) -> LoadOutcome:
        if self._is_older(table):
            return LoadOutcome(
                LoadStatus.MISCONFIGURED,
                f"{table.name} is of an older version: `manage.py warehouse init` adds its new columns",
            )
        return self._stream_load.load(table.name, label, rows)

    def query(
        self, name: QueryName, parameters: Mapping[str, Any], *, seconds: float | None = None
    ) -> QueryResult:
        asked = statement(name, DORIS, parameters)
        sql = asked.sql if seconds is None else _bounded(asked.sql, seconds)
        columns, rows = self._connections.execute(sql, asked.parameters, database=self._database)
        return QueryResult(columns, tuple(tuple(map(_plain, row)) for row in rows))

    def initialise(self) -> None:
        self._connections.execute(ddl.create_database(self._database))
        for table in TABLES:
            self._execute(ddl.create_table(table, self._settings))
        versions, columns = self._versions(), self._columns()
        for table in TABLES:
            for column in table.columns:
                if (table.name, column.name) not in columns:
                    self._execute(ddl.add_column(table, column))
            if versions[table.name] < SCHEMA_VERSION:
                self._execute(ddl.note_version(table))
            if table.partition_by is not None:
                self._execute(ddl.set_retention(table, self._settings))

    def status(self) -> tuple[TableStatus, ...]:
        versions = self._versions()
        if missing := [table.name for table in TABLES if table.name not in versions]:
            raise WarehouseUnavailable(
                f"Doris has no {', '.join(missing)}: `manage.py warehouse init` creates what is missing"
            )
        return tuple(self._status(table, versions[table.name]) for table in TABLES)

    def compact(self) -> None:
        """Doris merges and drops by itself; this asks whether it is there."""
        self.status()

    def repair(self) -> tuple[str, ...]:
        """Doris takes a damaged replica from another one by itself; this asks whether it is there."""
        self.status()
        return ()

    def close(self) -> None:
        self._connections.close()

    def _is_older(self, table: Table) -> bool:
        """Doris passes over what it has no column for, without a word. Asked until the table is known."""
        if table.name in self._current:
            return False
        try:
            version = self._versions().get(table.name)
        except WarehouseUnavailable:
            return False  # the load itself will tell what is wrong
        if version is None or version < SCHEMA_VERSION:
            return version is not None
        self._current.add(table.name)
        return False

    def _versions(self) -> dict[str, int]:
        tables = self._rows(
            "SELECT table_name, table_comment FROM information_schema.tables WHERE table_schema = %s",
            (self._database,),
        )
        return {name: ddl.version_of_comment(comment or "") for name, comment in tables}

    def _columns(self) -> set[tuple[str, str]]:
        """Names of tables and of their columns."""
        columns = self._rows(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = %s",
            (self._database,),
        )
        return {(table, column) for table, column in columns}

    def _status(self, table: Table, version: int) -> TableStatus:
        ((rows,),) = self._rows(f"SELECT count(*) FROM `{table.name}`")  # noqa: S608 - a name of ours
        columns, replicas = self._connections.execute(
            f"SHOW TABLETS FROM `{table.name}`", database=self._database
        )
        # A tablet has a line a replica.
        tablets = {row["TabletId"]: row for row in (dict(zip(columns, one, strict=True)) for one in replicas)}
        return TableStatus(
            name=table.name,
            rows=int(rows),
            size_bytes=sum(int(tablet["LocalDataSize"]) for tablet in tablets.values()),
            files=len(tablets),
            waiting=sum(max(0, int(tablet["VersionCount"]) - 1) for tablet in tablets.values()),
            schema_version=version,
        )

    def _rows(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        return self._connections.execute(sql, parameters, database=self._database)[1]

    def _execute(self, sql: str) -> None:
        self._connections.execute(sql, database=self._database)


def _bounded(sql: str, seconds: float) -> str:
    """Doris counts whole seconds."""
    return sql.replace("SELECT", f"SELECT /*+ SET_VAR(query_timeout = {math.ceil(seconds)}) */", 1)


def _plain(value: Any) -> Any:
    """Decimals are what sums and percentiles may come as."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value
