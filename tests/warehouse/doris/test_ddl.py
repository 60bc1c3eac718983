"""Doris' DDL: as it was looked at by a person once, and what an older table becomes."""

from pathlib import Path

from tasks.warehouse.ddl import TableSettings, create_table, version_of_comment
from tasks.warehouse.doris import DorisWarehouse
from tasks.warehouse.port import LoadStatus
from tasks.warehouse.tables import ACCESS_LOG, SCHEMA_VERSION, TABLES
from tests.support.doris.cluster import DorisDouble
from tests.support.doris.definition import read_table
from tests.warehouse.doris.conftest import warehouse_at
from tests.warehouse.making import access_row, ndjson

SNAPSHOT = Path(__file__).with_name("tables.sql")
SETTINGS = TableSettings(replication=3, buckets=8, log_retention_months=24)


def test_the_tables_are_those_of_the_snapshot() -> None:
    """sqlglot cannot parse it and no Doris runs here. Write it anew: python -m tests.warehouse.doris.test_ddl"""
    assert _snapshot() == SNAPSHOT.read_text("utf-8")


def test_the_snapshot_keeps_the_rules_of_doris() -> None:
    for table in TABLES:
        made = read_table(create_table(table, SETTINGS))
        assert made.key == table.key
        assert made.sequence == table.sequence
        assert made.partition == table.partition_by
        assert ("partition.retention_count" in made.properties) == (table.partition_by is not None)


def test_a_column_that_is_missing_is_added_and_older_rows_stay(
    doris: DorisDouble, warehouse: DorisWarehouse
) -> None:
    warehouse.load(ACCESS_LOG, "new", ndjson([access_row(1)]))
    doris.catalog.drop_column("wado_access_log", "user_agent")
    doris.catalog.drop_column("wado_access_log", "bytes_sent")
    doris.catalog.comment("wado_access_log", "dicomhub, schema version 0")
    assert [each.schema_version for each in warehouse.status()] == [SCHEMA_VERSION] * 4 + [0]
    refused = warehouse_at(doris.url()).load(ACCESS_LOG, "early", ndjson([access_row(3)]))
    assert refused.status is LoadStatus.MISCONFIGURED
    assert "manage.py warehouse init" in refused.detail
    warehouse.initialise()
    assert {each.schema_version for each in warehouse.status()} == {SCHEMA_VERSION}
    after = ndjson([access_row(2, user_agent="browser")])
    assert warehouse.load(ACCESS_LOG, "later", after).status is LoadStatus.LOADED
    rows = doris.catalog.select("SELECT user_agent, bytes_sent FROM wado_access_log ORDER BY happened_at")[0]
    assert rows == [(None, None), ("browser", 1000)]


def test_a_table_of_a_later_version_stays_as_it_is(doris: DorisDouble, warehouse: DorisWarehouse) -> None:
    doris.catalog.comment("wado_access_log", f"dicomhub, schema version {SCHEMA_VERSION + 1}")
    warehouse.initialise()
    assert warehouse.status()[4].schema_version == SCHEMA_VERSION + 1


def test_retention_follows_the_setting(doris: DorisDouble) -> None:
    other = warehouse_at(doris.url())
    other._settings = TableSettings(replication=1, buckets=1, log_retention_months=1)
    other.initialise()
    other.close()
    logs = [table for table in doris.catalog.tables.values() if table.partition]
    assert {table.properties["partition.retention_count"] for table in logs} == {"1"}


def test_a_comment_of_somebody_else_is_version_zero() -> None:
    assert version_of_comment("dicomhub, schema version 7") == 7
    assert (
        version_of_comment("") == version_of_comment("ours") == version_of_comment("dicomhub, schema ") == 0
    )


def _snapshot() -> str:
    return "\n\n".join(create_table(table, SETTINGS) + ";" for table in TABLES) + "\n"


if __name__ == "__main__":
    SNAPSHOT.write_text(_snapshot(), "utf-8")
