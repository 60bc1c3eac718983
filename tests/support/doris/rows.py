"""Rows for the warehouse's tables, as the loader writes them: JSON lines with a value in every column."""

import json
from typing import Any

from tasks.warehouse.tables import ColumnType, Table

_HEADER = {
    "00080060": {"vr": "CS", "Value": ["CT"]},
    "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Müller^Ünal"}]},
    "00280010": {"vr": "US", "Value": [512]},
}


def row_of(table: Table, number: int, **values: Any) -> dict[str, Any]:
    """A row with a key of its own for every number."""
    made: dict[str, Any] = {}
    for column in table.columns:
        match column.type:
            case ColumnType.UID:
                value: Any = f"1.2.{number}" if column.name in table.key else "1.2.840.10008.1.2.1"
            case ColumnType.CODE:
                value = "default" if column.name == "tenant" else f"{column.name}-{number}"
            case ColumnType.TEXT:
                value = f"{column.name} {number % 7}"
            case ColumnType.INTEGER | ColumnType.BIGINT:
                value = number
            case ColumnType.DOUBLE:
                value = number / 8
            case ColumnType.DATE:
                value = "2026-11-21"
            case ColumnType.DATETIME:
                value = f"2026-11-{1 + number % 28:02d} 10:20:30.{number % 1_000_000:06d}"
            case ColumnType.JSON:
                value = _HEADER
        made[column.name] = value
    return {**made, **values}


def lines(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)
