"""The spool: rows that were taken are there, whole; rows that were not leave nothing."""

import os
import subprocess
import sys
import time

import pytest

from tasks.warehouse.spool import Spool, SpoolFull
from tasks.warehouse.tables import IMAGE_META, RECEIVE_LOG, TABLES
from tests.support.small_disk import small_disk
from tests.support.spooling import (
    batch,
    counts,
    embedded_warehouse,
    load_everything,
    open_test_spool,
    warehouse_settings,
)

APPEND = """
import sys
from pathlib import Path
from tests.support.spooling import batch, open_test_spool
spool, first = open_test_spool(Path(sys.argv[1])), int(sys.argv[2])
for number in range(first, first + 100, 5):
    spool.append(batch(f"batch-{number}", range(number, number + 5)))
"""


def test_rows_are_there_whole_and_in_order(tmp_path):
    spool = open_test_spool(tmp_path)
    for number in range(3):
        spool.append(batch(str(number), [number, number + 10]))
    files = spool.waiting(IMAGE_META)
    lines = [line for file in files for line in file.path.read_bytes().splitlines()]
    assert lines == [row for number in range(3) for row in batch("", [number, number + 10])[IMAGE_META]]
    assert [file.number_of_rows for file in files] == [2, 2, 2]


def test_writers_do_not_get_into_each_others_way(tmp_path):
    writers = [
        subprocess.Popen([sys.executable, "-c", APPEND, str(tmp_path / "spool"), str(first)])
        for first in (0, 100, 200, 300)
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0, 0]
    warehouse = embedded_warehouse(tmp_path)
    load_everything(open_test_spool(tmp_path / "spool"), warehouse, warehouse_settings(tmp_path))
    assert counts(warehouse) == {IMAGE_META.name: 400, RECEIVE_LOG.name: 400}


def test_a_full_disk_takes_no_part_of_an_append_and_takes_all_of_it_later(tmp_path):
    with small_disk(tmp_path / "disk", size_bytes=512 * 1024) as disk:
        spool = Spool(disk.path / "spool", durability="power", reserve_bytes=0)
        spool.append(batch("a", range(5)))
        for leave_bytes in (0, 4096, 8192, 12288):
            disk.fill(leave_bytes=leave_bytes)
            with pytest.raises(OSError, match=os.strerror(28)):
                spool.append(batch("b", range(5, 100)))
            disk.empty()
            assert not list((spool.root / "incoming").iterdir())
        disk.use_up_names()
        with pytest.raises(OSError, match=os.strerror(28)):
            spool.append(batch("b", range(5, 100)))
        disk.empty()
        spool.append(batch("b", range(5, 100)))
        warehouse = embedded_warehouse(tmp_path)
        load_everything(spool, warehouse, warehouse_settings(tmp_path))
        assert counts(warehouse) == {IMAGE_META.name: 100, RECEIVE_LOG.name: 100}


def test_a_loader_on_a_full_disk_keeps_what_waits_until_there_is_room(tmp_path):
    with small_disk(tmp_path / "disk", size_bytes=512 * 1024) as disk:
        spool = Spool(disk.path / "spool", durability="power", reserve_bytes=0)
        spool.append(batch("a", range(5)))
        warehouse = embedded_warehouse(tmp_path)
        disk.fill()
        with pytest.raises(OSError, match=os.strerror(28)):
            load_everything(spool, warehouse, warehouse_settings(tmp_path))
        assert len(spool.waiting(IMAGE_META)) == 1
        disk.empty()
        load_everything(spool, warehouse, warehouse_settings(tmp_path))
        assert counts(warehouse) == {IMAGE_META.name: 5, RECEIVE_LOG.name: 5}


def test_it_leaves_room_for_what_is_still_to_be_received(tmp_path):
    with small_disk(tmp_path / "disk", size_bytes=512 * 1024) as disk:
        spool = Spool(disk.path / "spool", durability="process", reserve_bytes=128 * 1024)
        spool.append(batch("a", range(5)))
        disk.fill(leave_bytes=200 * 1024)
        with pytest.raises(SpoolFull, match="262144 bytes"):
            spool.append(batch("b", range(5)))
        assert all(len(spool.waiting(table)) <= 1 for table in TABLES)


def test_what_a_killed_append_left_is_no_row_and_is_removed(tmp_path):
    spool = open_test_spool(tmp_path / "spool")
    spool.append(batch("a", range(5)))
    torn = spool.root / "incoming" / "1-torn.part"
    torn.write_bytes(batch("b", [6])[IMAGE_META][0][:100])
    long_ago = time.time() - 3600
    os.utime(torn, (long_ago, long_ago))
    warehouse = embedded_warehouse(tmp_path)
    load_everything(spool, warehouse, warehouse_settings(tmp_path))
    assert counts(warehouse) == {IMAGE_META.name: 5, RECEIVE_LOG.name: 5}
    assert not torn.exists()
