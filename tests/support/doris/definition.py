"""What the double understands of Doris's CREATE TABLE, and the rules of Doris that it holds a table to.

sqlglot cannot read this dialect's DDL, so these are regular expressions for the form that we write.
"""

import re
from dataclasses import dataclass

_CREATE = re.compile(
    r"CREATE TABLE IF NOT EXISTS `(?P<name>\w+)`\s*\((?P<body>.*?)\n\)\s*"
    r"UNIQUE KEY\s*\((?P<key>[^)]*)\)\s*"
    r"COMMENT '(?P<comment>(?:[^']|'')*)'\s*"
    r"(?:AUTO PARTITION BY RANGE\s*\(date_trunc\(`(?P<partition>\w+)`, 'month'\)\)\s*\(\)\s*)?"
    r"DISTRIBUTED BY HASH\s*\((?P<hash>[^)]*)\) BUCKETS (?P<buckets>\d+)\s*"
    r"PROPERTIES\s*\((?P<properties>.*)\)\s*",
    re.DOTALL,
)
_COLUMN = re.compile(
    r"`(\w+)` ([A-Z]+(?:\(\d+\))?)( NOT NULL| NULL)?(?: DEFAULT '([^']*)')?(?: COMMENT '(?:[^']|'')*')?"
)
_INDEX = re.compile(r"INDEX `(\w+)` \(`(\w+)`\) USING INVERTED.*")
_PROPERTY = re.compile(r'"([\w.]+)" = "([^"]*)"')
_IN_DUCKDB = {
    "VARCHAR": "VARCHAR", "STRING": "VARCHAR", "VARIANT": "JSON", "BOOLEAN": "BOOLEAN", "INT": "INTEGER",
    "SMALLINT": "SMALLINT", "BIGINT": "BIGINT", "DOUBLE": "DOUBLE", "DATETIME": "TIMESTAMP", "DATE": "DATE",
}  # fmt: skip
_NEVER_A_KEY = {"STRING", "VARIANT", "DOUBLE"}


class DdlRefused(Exception):
    """Doris would not run this statement."""


@dataclass(frozen=True, slots=True)
class ColumnDefinition:
    name: str
    type: str
    length: int | None
    nullable: bool

    @property
    def in_duckdb(self) -> str:
        return _IN_DUCKDB[self.type]


@dataclass(frozen=True, slots=True)
class TableDefinition:
    name: str
    columns: tuple[ColumnDefinition, ...]
    key: tuple[str, ...]
    partition: str | None
    properties: dict[str, str]
    comment: str

    @property
    def sequence(self) -> str | None:
        return self.properties.get("function_column.sequence_col")


def read_column(text: str) -> ColumnDefinition:
    """Raises DdlRefused."""
    match = _COLUMN.fullmatch(text.strip())
    if match is None:
        raise DdlRefused(f"mismatched input in column definition: {text.strip()!r}")
    name, declared, null, _ = match.groups()
    base, _, length = declared.partition("(")
    if base not in _IN_DUCKDB:
        raise DdlRefused(f"unsupported type {declared}")
    if base == "VARCHAR" and not 1 <= int(length.rstrip(")") or 0) <= 65533:
        raise DdlRefused(f"varchar size must be in [1, 65533]: {declared}")
    return ColumnDefinition(name, base, int(length.rstrip(")")) if length else None, null != " NOT NULL")


def read_table(sql: str) -> TableDefinition:
    """Raises DdlRefused."""
    match = _CREATE.fullmatch(sql.strip().rstrip(";"))
    if match is None:
        raise DdlRefused(f"mismatched input near {sql[:60]!r}")
    lines = [line.strip().rstrip(",") for line in match["body"].strip().splitlines()]
    indexes = [line for line in lines if line.startswith("INDEX ")]
    table = TableDefinition(
        name=match["name"],
        columns=tuple(read_column(line) for line in lines if line not in indexes),
        key=_names(match["key"]),
        partition=match["partition"],
        properties=dict(_PROPERTY.findall(match["properties"])),
        comment=match["comment"],
    )
    _check(table, buckets_by=_names(match["hash"]), indexes=indexes)
    return table


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip().strip("`") for name in text.split(","))


def _check(table: TableDefinition, *, buckets_by: tuple[str, ...], indexes: list[str]) -> None:
    columns = {column.name: column for column in table.columns}
    if table.key != tuple(columns)[: len(table.key)]:
        raise DdlRefused("Key columns must be the first few columns of the schema, in their order")
    for name in table.key:
        if columns[name].type in _NEVER_A_KEY:
            raise DdlRefused(f"{columns[name].type} Type should not be used in key column[{name}].")
    if missing := set(buckets_by) - set(table.key):
        raise DdlRefused(f"Distribution column[{missing}] is not key column")
    if table.partition is not None:
        if table.partition not in table.key:
            raise DdlRefused("The partition column must be key column")
        if columns[table.partition].nullable:
            raise DdlRefused("AUTO RANGE PARTITION doesn't support NULL column")
    elif "partition.retention_count" in table.properties:
        raise DdlRefused("partition.retention_count is for AUTO RANGE PARTITION tables")
    if table.sequence is not None:
        if table.properties.get("enable_unique_key_merge_on_write") != "true":
            raise DdlRefused("sequence column is for merge-on-write tables here")
        if columns[table.sequence].type not in {"DATETIME", "DATE", "INT", "BIGINT"}:
            raise DdlRefused("Sequence type only support integer types and date types")
    if "replication_num" not in table.properties:
        raise DdlRefused("replication_num is the cluster's default of 3: failed to find enough backend")
    for line in indexes:
        match = _INDEX.fullmatch(line)
        if match is None or match[2] not in columns:
            raise DdlRefused(f"index on an unknown column: {line}")
        if columns[match[2]].type == "DOUBLE":
            raise DdlRefused(f"{columns[match[2]].type} is not supported in inverted index")
