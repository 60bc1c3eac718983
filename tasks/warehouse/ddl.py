"""Doris' CREATE TABLE and ALTER TABLE, from the one definition of the tables. Pure.

A table is UNIQUE KEY, merge-on-write: a row that is loaded twice, even under another label, is there once,
and of two rows with one key the one with the larger sequence stays. Logs have partitions of a month, which
Doris makes as rows come, and drops when retention says so. Tables of instances and series have none: a
partition's column is part of the key, and a corrected study date would make a second row.
"""

from dataclasses import dataclass

from tasks.warehouse.tables import SCHEMA_VERSION, Column, ColumnType, Table

_TYPES = {
    ColumnType.UID: "VARCHAR(64)",
    ColumnType.CODE: "VARCHAR(128)",
    ColumnType.TEXT: "STRING",
    ColumnType.INTEGER: "INT",
    ColumnType.BIGINT: "BIGINT",
    ColumnType.DOUBLE: "DOUBLE",
    ColumnType.DATE: "DATE",
    ColumnType.DATETIME: "DATETIME(6)",
    ColumnType.JSON: "VARIANT",
}
# What people look for with =, IN or a range, and what no key begins with. The header has none: an index on a
# VARIANT is one on each of its thousands of paths.
_INDEXED = frozenset(
    ("patient_id", "accession_number", "study_date", "modality", "study_instance_uid", "user_name", "status")
)
_RETENTION = "partition.retention_count"
_VERSION_PREFIX = "dicomhub, schema version "


@dataclass(frozen=True, slots=True)
class TableSettings:
    """log_retention_months: how many months of a log are kept beside the current one."""

    replication: int
    buckets: int
    log_retention_months: int


def create_database(name: str) -> str:
    return f"CREATE DATABASE IF NOT EXISTS `{name}`"


def create_table(table: Table, settings: TableSettings) -> str:
    lines = [_column(column) for column in table.columns] + [
        f"INDEX `{column.name}_index` (`{column.name}`) USING INVERTED"
        for column in table.columns
        if column.name in _INDEXED and column.name not in table.key[:2]
    ]
    properties = {
        "replication_num": str(settings.replication),
        "enable_unique_key_merge_on_write": "true",
    }
    if table.sequence is not None:
        properties["function_column.sequence_col"] = table.sequence
    parts = [
        f"CREATE TABLE IF NOT EXISTS `{table.name}` (\n    " + ",\n    ".join(lines) + "\n)",
        f"UNIQUE KEY ({_names(table.key)})",
        f"COMMENT {_text(version_comment(SCHEMA_VERSION))}",
    ]
    if table.partition_by is not None:
        parts.append(f"AUTO PARTITION BY RANGE (date_trunc(`{table.partition_by}`, 'month')) ()")
        properties[_RETENTION] = str(settings.log_retention_months)
    parts.append(f"DISTRIBUTED BY HASH (`{_bucket_column(table)}`) BUCKETS {settings.buckets}")
    parts.append(
        "PROPERTIES (\n    " + ",\n    ".join(f'"{k}" = "{v}"' for k, v in properties.items()) + "\n)"
    )
    return "\n".join(parts)


def add_column(table: Table, column: Column) -> str:
    """Nullable whatever the definition says: older rows have no value."""
    return f"ALTER TABLE `{table.name}` ADD COLUMN {_column(column, nullable=True)}"


def note_version(table: Table) -> str:
    return f"ALTER TABLE `{table.name}` MODIFY COMMENT {_text(version_comment(SCHEMA_VERSION))}"


def set_retention(log: Table, settings: TableSettings) -> str:
    return f'ALTER TABLE `{log.name}` SET ("{_RETENTION}" = "{settings.log_retention_months}")'


def version_comment(version: int) -> str:
    return f"{_VERSION_PREFIX}{version}"


def version_of_comment(comment: str) -> int:
    """0 for a table that dicomhub did not make."""
    number = comment.removeprefix(_VERSION_PREFIX)
    return int(number) if number.isdecimal() else 0


def _bucket_column(table: Table) -> str:
    """A study's rows lie together, and a log's are spread."""
    return "study_instance_uid" if "study_instance_uid" in table.key else table.key[-1]


def _column(column: Column, *, nullable: bool | None = None) -> str:
    is_nullable = column.nullable if nullable is None else nullable
    text = f"`{column.name}` {_TYPES[column.type]} {'NULL' if is_nullable else 'NOT NULL'}"
    return f"{text} COMMENT {_text(column.comment)}" if column.comment else text


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
