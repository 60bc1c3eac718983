"""The loader on a Doris that fails at random: every good row once, every bad one put aside."""

from dataclasses import replace

from tasks.warehouse.dead_letters import dead_letters
from tasks.warehouse.doris import DorisWarehouse
from tasks.warehouse.doris_address import read_doris_address
from tasks.warehouse.tables import IMAGE_META, RECEIVE_LOG
from tests.support.doris.cluster import running_doris
from tests.support.spooling import bad_row, batch, load_everything, open_test_spool, warehouse_settings


def test_every_row_gets_in_once_whatever_doris_answers(tmp_path):
    spool = open_test_spool(tmp_path / "spool")
    for number in range(40):
        rows = batch(f"batch-{number}", range(number * 10, number * 10 + 10))
        if number % 20 == 3:
            rows[RECEIVE_LOG].insert(4, bad_row(number))
        spool.append(rows)
    with running_doris(frontends=2) as doris:
        warehouse = DorisWarehouse(read_doris_address(doris.url(timeout=5)), log_retention_months=24)
        warehouse.initialise()
        doris.faults.at_random(0.4, seed=7)
        load_everything(spool, warehouse, replace(warehouse_settings(tmp_path), load_max_rows=20))
        doris.transactions.settle()
        assert len(doris.faults.seen) > 5
        assert [doris.rows(table.name) for table in (IMAGE_META, RECEIVE_LOG)] == [400, 400]
    letters = dead_letters(spool, RECEIVE_LOG)
    assert [letter.rows.number_of_rows for letter in letters] == [1, 1]
    assert all("received_at" in letter.reason for letter in letters)
