"""What only Parquet files have: files that must stay and go, months, and tables of an older version."""

import fcntl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest

from tasks.warehouse.manifest import Manifest, TableFolder
from tasks.warehouse.parquet import ParquetWarehouse
from tasks.warehouse.port import LoadStatus, WarehouseUnavailable
from tasks.warehouse.queries import QueryName
from tasks.warehouse.tables import ACCESS_LOG, IMAGE_META, SCHEMA_VERSION, format_datetime
from tests.warehouse.making import access_row, image_row, ndjson


@pytest.fixture
def warehouse(tmp_path: Path) -> ParquetWarehouse:
    made = ParquetWarehouse(tmp_path, memory_bytes=2**29, threads=2, log_retention_months=12)
    made.initialise()
    return made


@pytest.fixture
def log(tmp_path: Path) -> TableFolder:
    return TableFolder(tmp_path / ACCESS_LOG.name)


def load(warehouse: ParquetWarehouse, label: str, *rows: dict) -> None:
    assert warehouse.load(ACCESS_LOG, label, ndjson(rows)).status is LoadStatus.LOADED


def rows_of(warehouse: ParquetWarehouse, table=ACCESS_LOG) -> int:
    return dict(warehouse.query(QueryName.ROWS, {"tenant": None}).rows)[table.name]


def data_files(log: TableFolder) -> list[Path]:
    return [path.relative_to(log.path) for path in log.path.rglob("*.parquet") if "schema" not in path.name]


def test_files_stay_as_long_as_somebody_reads_them_and_no_longer(warehouse, log):
    load(warehouse, "a", access_row(1))
    with log.snapshot() as before:
        load(warehouse, "b", access_row(2))
        warehouse.compact()
        with log.snapshot() as between:
            load(warehouse, "c", access_row(3))
            warehouse.compact()
            assert all(path.exists() for path in (*before.files, *between.files))
        warehouse.compact()
        assert all(path.exists() for path in before.files)
        assert not any(path.exists() for path in between.compacted)
    warehouse.compact()
    assert len(data_files(log)) == 1
    assert list(log.retired.iterdir()) == []
    assert rows_of(warehouse) == 3


def test_a_load_under_a_consumed_label_that_came_late_is_not_read(warehouse, log):
    load(warehouse, "a", access_row(1))
    content = log.load_path("a").read_bytes()
    warehouse.compact()
    # As a loader would that looked the label up before the compaction.
    log.load_path("a").write_bytes(content)
    assert rows_of(warehouse) == 1
    with log.snapshot() as snapshot:
        assert snapshot.loads == ()
    warehouse.compact()
    assert not log.load_path("a").exists()


def test_a_label_is_forgotten_after_three_days(warehouse, log):
    load(warehouse, "a", access_row(1))
    warehouse.compact()
    manifest = log.manifest()
    long_ago = int((datetime.now(UTC) - timedelta(days=4)).timestamp())
    log.replace_manifest(replace(manifest, consumed={"a": long_ago}))
    load(warehouse, "b", access_row(2))
    warehouse.compact()
    assert set(log.manifest().consumed) == {"b"}


def test_a_log_has_a_folder_a_month_and_old_months_are_dropped(warehouse, log):
    now = datetime.now(UTC)
    ages = {"now": 0, "last": 40, "old": 500}
    rows = [
        access_row(n, happened_at=format_datetime(now - timedelta(days=days)))
        for n, days in enumerate(ages.values())
    ]
    load(warehouse, "a", *rows)
    assert rows_of(warehouse) == 3
    warehouse.compact()
    months = {path.parent.name for path in data_files(log)}
    assert months == {f"month={now - timedelta(days=days):%Y-%m}" for days in (0, 40)}
    assert rows_of(warehouse) == 2


def test_what_a_killed_process_left_is_removed(warehouse, log):
    (log.temporary / "abandoned").write_bytes(b"half a file")
    (log.data / "orphan.parquet").write_bytes(b"half a compaction")
    with (log.temporary / "living").open("wb") as living:
        fcntl.flock(living, fcntl.LOCK_EX)
        warehouse.compact()
        assert {path.name for path in log.temporary.iterdir()} == {"living"}
    assert data_files(log) == []


def test_many_small_loads_become_few_files(warehouse, log):
    for number in range(40):
        load(warehouse, f"label-{number}", *(access_row(number * 10 + n) for n in range(10)))
        if number % 3 == 0:
            warehouse.compact()
    warehouse.compact()
    assert len(data_files(log)) <= 5
    assert rows_of(warehouse) == 400


def test_tables_of_an_older_version_are_refused_until_they_are_brought_up_to_date(warehouse, tmp_path):
    folder = TableFolder(tmp_path / IMAGE_META.name)
    warehouse.load(IMAGE_META, "old", ndjson([image_row(1, 1, 1)]))
    older = pq.read_table(folder.load_path("old")).drop_columns(["window_width"])
    pq.write_table(older, folder.load_path("old"))
    folder.schema_path(SCHEMA_VERSION).unlink()
    folder.manifest_path.write_bytes(msgspec.json.encode(Manifest(schema_version=SCHEMA_VERSION - 1)))
    outcome = warehouse.load(IMAGE_META, "new", ndjson([image_row(1, 1, 2)]))
    assert outcome.status is LoadStatus.MISCONFIGURED
    assert "warehouse init" in outcome.detail
    with pytest.raises(WarehouseUnavailable, match="warehouse init"):
        rows_of(warehouse)
    warehouse.initialise()
    assert rows_of(warehouse, IMAGE_META) == 1
    assert warehouse.load(IMAGE_META, "new", ndjson([image_row(1, 1, 2, window_width=400)])).is_in
    warehouse.compact()
    with folder.snapshot() as snapshot:
        widths = pq.read_table(list(map(str, snapshot.compacted)))["window_width"].to_pylist()
    assert sorted(widths, key=str) == [400.0, None]


def test_a_damaged_file_or_manifest_is_one_clear_error(warehouse, log):
    load(warehouse, "a", access_row(1))
    log.load_path("b").write_bytes(b"no Parquet")
    with pytest.raises(WarehouseUnavailable, match=r"b\.parquet"):
        rows_of(warehouse)
    log.manifest_path.write_bytes(b"{")
    with pytest.raises(WarehouseUnavailable, match="manifest"):
        rows_of(warehouse)
    assert warehouse.load(ACCESS_LOG, "c", ndjson([access_row(2)])).status is LoadStatus.MISCONFIGURED
    with pytest.raises(WarehouseUnavailable, match="manifest"):
        warehouse.compact()


def test_a_header_that_is_no_object_keeps_its_load_out(warehouse):
    """Doris' VARIANT takes any JSON."""
    bad = ndjson([image_row(1, 1, 1, header="text")])
    assert warehouse.load(IMAGE_META, "label", bad).status is LoadStatus.REJECTED
    assert rows_of(warehouse, IMAGE_META) == 0


def test_row_groups_of_what_was_compacted_are_full_and_have_plain_times(warehouse, log):
    """What a question reads is decoded quickly: dictionaries of values that are all different are not."""
    for first in range(0, 35_000, 7_000):
        load(warehouse, f"load-{first}", *map(access_row, range(first, first + 7_000)))
    warehouse.compact()
    (path,) = data_files(log)
    found = pq.read_metadata(log.path / path)
    groups = [found.row_group(number) for number in range(found.num_row_groups)]
    assert [group.num_rows for group in groups] == [16_384, 16_384, 2_232]
    columns = {
        groups[0].column(number).path_in_schema: groups[0].column(number)
        for number in range(found.num_columns)
    }
    assert not any(columns[name].has_dictionary_page for name in ("happened_at", "milliseconds", "event_id"))
    assert columns["status"].has_dictionary_page
    assert rows_of(warehouse) == 35_000


@pytest.mark.parametrize("is_compacted", [False, True])
@pytest.mark.parametrize("is_empty", [False, True])
def test_a_damaged_file_is_told_and_can_be_set_aside(warehouse, log, tmp_path, is_compacted, is_empty):
    load(warehouse, "good", access_row(1, happened_at="2026-10-01 00:00:00.000000"))
    load(warehouse, "bad", access_row(2, happened_at="2026-11-01 00:00:00.000000"))
    if is_compacted:
        warehouse.compact()
    (path,) = (
        path for path in log.path.rglob("*.parquet") if path.stem == "bad" or "month=2026-11" in str(path)
    )
    data = path.read_bytes()
    path.unlink()  # a file of the same name, as a hard link may be elsewhere
    path.write_bytes(b"" if is_empty else data[:4] + bytes(len(data) - 40) + data[-36:])
    assert warehouse.load(IMAGE_META, "image", ndjson([image_row(1, 1, 1)])).is_in
    again = ParquetWarehouse(tmp_path, memory_bytes=2**29, threads=2, log_retention_months=12)
    with pytest.raises(WarehouseUnavailable, match=r"`manage\.py warehouse repair`"):
        rows_of(again)
    load(warehouse, "later", access_row(3))
    assert again.repair() == (str(log.damaged / path.name),)
    assert again.repair() == ()
    assert rows_of(again) == 2
    again.compact()
    assert rows_of(again) == 2
    assert (log.damaged / path.name).exists()
