"""The loader on the embedded warehouse: every row once, whatever happens on the way."""

import os
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from tasks.warehouse.dead_letters import DeadLetterGone, dead_letters, discard, retry, retry_all
from tasks.warehouse.loader import Loader
from tasks.warehouse.plan import plan_path, read_plan
from tasks.warehouse.port import LoadStatus
from tasks.warehouse.progress import read_progress, try_at_once
from tasks.warehouse.tables import IMAGE_META, RECEIVE_LOG, TABLES
from tests.support.spooling import (
    LATER,
    Clock,
    CountedSteps,
    FragileSpool,
    FragileWarehouse,
    Killed,
    Unreliable,
    bad_row,
    batch,
    counts,
    embedded_warehouse,
    load_everything,
    open_test_spool,
    warehouse_settings,
)

DOWN = [LoadStatus.BUSY]


@pytest.fixture
def settings(tmp_path):
    return warehouse_settings(tmp_path)


@pytest.fixture
def warehouse(tmp_path):
    return embedded_warehouse(tmp_path)


@pytest.fixture
def spool(tmp_path):
    return open_test_spool(tmp_path / "spool")


def both(number):
    return {IMAGE_META.name: number, RECEIVE_LOG.name: number}


def test_appends_are_loaded_together_and_leave_nothing(spool, warehouse, settings):
    for number in range(10):
        spool.append(batch(f"batch-{number}", range(number * 3, number * 3 + 3)))
    line = Unreliable(warehouse)
    Loader(spool, line, settings, now=Clock()).run()
    assert counts(warehouse) == both(30)
    assert [rows for _, rows in line.loads] == [30, 30], "one load a table"
    assert not any(spool.waiting(table) or read_plan(spool, table) for table in TABLES)
    progress = read_progress(spool, IMAGE_META)
    assert (progress.status, progress.loaded_rows, progress.loads[0].number_of_rows) == (None, 30, 30)


def test_it_waits_until_there_is_enough_or_the_oldest_is_old(spool, warehouse, settings):
    settings = replace(settings, load_max_rows=10, load_max_seconds=60)
    clock = Clock()
    clock.ahead = timedelta(0)
    loader = Loader(spool, warehouse, settings, now=clock)
    spool.append(batch("a", range(4)))
    loader.run()
    assert counts(warehouse) == {}, "too few, too young"
    spool.append(batch("b", range(4, 8)))
    spool.append(batch("c", range(8, 12)))
    loader.run()
    assert counts(warehouse) == both(8), "a third would have been too many"
    loader.run()
    assert counts(warehouse) == both(8)
    clock.ahead = timedelta(seconds=61)
    loader.run()
    assert counts(warehouse) == both(12)


def test_a_batch_that_is_delivered_again_at_any_time_has_its_rows_once(spool, warehouse, settings):
    for _ in range(2):
        spool.append(batch("a", range(5)))  # both wait
    load_everything(spool, warehouse, settings)
    spool.append(batch("a", range(5)))  # it was loaded before
    load_everything(spool, warehouse, settings)
    line = Unreliable(warehouse, [LoadStatus.UNKNOWN])
    spool.append(batch("a", range(5)))
    Loader(spool, line, settings, now=Clock()).run()
    spool.append(batch("a", range(5)))  # a load of it is under way
    load_everything(spool, line, settings)
    assert counts(warehouse) == both(5)


def test_what_is_not_certain_goes_again_under_its_label_and_is_there_once(spool, warehouse, settings):
    spool.append(batch("a", range(5)))
    line = Unreliable(warehouse, [LoadStatus.UNKNOWN, LoadStatus.UNKNOWN])
    load_everything(spool, line, settings)
    assert counts(warehouse) == both(5)
    labels = [label for label, _ in line.loads]
    assert len(set(labels)) == 2
    assert len(labels) == 4


def test_while_the_warehouse_is_down_rows_wait_and_then_go_in_together(spool, warehouse, settings):
    line = Unreliable(warehouse, DOWN * 8)
    clock = Clock()
    for number in range(4):
        spool.append(batch(f"batch-{number}", range(number * 5, number * 5 + 5)))
        Loader(spool, line, settings, now=clock).run()
        clock.ahead += LATER
    progress = read_progress(spool, IMAGE_META)
    assert (progress.status, progress.failures) == (LoadStatus.BUSY, 4)
    assert "the line is bad" in progress.detail
    load_everything(spool, line, settings)
    assert counts(warehouse) == both(20)
    assert [rows for _, rows in line.loads[-4:]] == [5, 5, 15, 15]
    assert read_progress(spool, IMAGE_META).failures == 0


def test_after_a_failure_it_pauses_longer_each_time_and_a_person_can_end_the_pause(
    spool, warehouse, settings
):
    spool.append(batch("a", range(5)))
    line = Unreliable(warehouse, DOWN * 4)
    clock = Clock()
    loader = Loader(spool, line, settings, now=clock)
    loader.run()
    loader.run()
    assert len(line.loads) == 2, "one of each table"
    clock.ahead += timedelta(seconds=6)
    loader.run()
    assert len(line.loads) == 4
    clock.ahead += timedelta(seconds=6)
    loader.run()
    assert len(line.loads) == 4, "the second pause is longer"
    try_at_once(spool, IMAGE_META)
    loader.run()
    assert counts(warehouse) == {IMAGE_META.name: 5}
    assert len(line.loads) == 5


def test_where_the_warehouse_is_not_set_up_rows_wait_for_the_person_who_does_it(spool, tmp_path, settings):
    from tasks.warehouse.open import open_warehouse

    warehouse = open_warehouse(settings)
    spool.append(batch("a", range(5)))
    Loader(spool, warehouse, settings, now=Clock()).run()
    progress = read_progress(spool, IMAGE_META)
    assert progress.status is LoadStatus.MISCONFIGURED
    assert "init" in progress.detail
    warehouse.initialise()
    load_everything(spool, warehouse, settings)
    assert counts(warehouse) == both(5)


def test_bad_rows_are_put_aside_with_their_reason_and_all_others_go_in(spool, warehouse, settings):
    for number in range(0, 600, 100):
        rows = batch(f"batch-{number}", range(number, number + 100))[RECEIVE_LOG]
        if number in (100, 200, 500):
            rows[37] = bad_row(number + 37)
        spool.append({RECEIVE_LOG: rows})
    load_everything(spool, warehouse, settings)
    assert counts(warehouse) == {RECEIVE_LOG.name: 597}
    letters = dead_letters(spool, RECEIVE_LOG)
    assert len(letters) == 3
    assert all(letter.rows.number_of_rows == 1 and "received_at" in letter.reason for letter in letters)
    assert read_progress(spool, RECEIVE_LOG).loads[0].dead_rows == 3


def test_rows_that_are_all_bad_are_not_looked_for_one_by_one(spool, warehouse, settings):
    spool.append({RECEIVE_LOG: [bad_row(number) for number in range(2000)]})
    line = Unreliable(warehouse)
    load_everything(spool, line, settings)
    letters = dead_letters(spool, RECEIVE_LOG)
    assert sum(letter.rows.number_of_rows for letter in letters) == 2000
    assert len(line.loads) < 300
    assert counts(warehouse) == {}


def test_dead_letters_can_be_retried_and_discarded(spool, warehouse, settings):
    rows = batch("a", range(10))[RECEIVE_LOG]
    spool.append({RECEIVE_LOG: [*rows, bad_row(1), bad_row(2)]})
    load_everything(spool, warehouse, settings)
    assert retry_all(spool, RECEIVE_LOG) == 2
    assert retry_all(spool, RECEIVE_LOG) == 0
    assert dead_letters(spool, RECEIVE_LOG) == []
    load_everything(spool, warehouse, settings)
    first, second = dead_letters(spool, RECEIVE_LOG)
    discard(spool, RECEIVE_LOG, first.name)
    # What was bad about it was mended meanwhile.
    second.rows.path.write_bytes(batch("b", [99])[RECEIVE_LOG][0] + b"\n")
    retry(spool, RECEIVE_LOG, second.name)
    with pytest.raises(DeadLetterGone):
        retry(spool, RECEIVE_LOG, second.name)
    with pytest.raises(DeadLetterGone):
        discard(spool, RECEIVE_LOG, "../../waiting/anything")
    load_everything(spool, warehouse, settings)
    assert counts(warehouse) == {RECEIVE_LOG.name: 11}
    assert dead_letters(spool, RECEIVE_LOG) == []
    assert list((spool.root / "dead" / RECEIVE_LOG.name).iterdir()) == []


def test_a_loader_finds_the_spool_locked_and_leaves_it_to_the_other(spool, warehouse, settings):
    spool.append(batch("a", range(5)))
    line = Unreliable(warehouse)
    with spool.locked() as is_ours:
        assert is_ours
        Loader(open_test_spool(spool.root), line, settings, now=Clock()).run()
    assert line.loads == []
    Loader(spool, line, settings, now=Clock()).run()
    assert counts(warehouse) == both(5)


def test_told_to_stop_it_stops_between_two_loads_and_goes_on_from_there(spool, warehouse, settings):
    rows = batch("a", range(64))[RECEIVE_LOG]
    rows[5] = bad_row(5)
    spool.append({RECEIVE_LOG: rows})
    line = Unreliable(warehouse)
    Loader(spool, line, settings, now=Clock()).run(should_stop=lambda: len(line.loads) >= 3)
    assert len(line.loads) == 3
    load_everything(spool, line, settings)
    assert counts(warehouse) == {RECEIVE_LOG.name: 63}
    assert len(dead_letters(spool, RECEIVE_LOG)) == 1


def test_a_plan_that_is_damaged_or_whose_files_are_gone_holds_nothing_up(spool, warehouse, settings):
    spool.append(batch("a", range(5)))
    Loader(spool, Unreliable(warehouse, DOWN * 2), settings, now=Clock()).run()
    plan_path(spool, IMAGE_META).write_bytes(b"{")
    [file] = spool.waiting(RECEIVE_LOG)
    file.path.unlink()
    spool.append(batch("b", range(5, 10)))
    load_everything(spool, warehouse, settings)
    assert counts(warehouse) == {IMAGE_META.name: 10, RECEIVE_LOG.name: 5}


def test_ended_at_any_step_the_next_loader_brings_every_row_in_once(tmp_path, settings):
    """Each run ends one step later than the one before, until one gets through."""
    good = batch("a", range(12))[RECEIVE_LOG]
    for steps in count():
        home = tmp_path / str(steps)
        warehouse = embedded_warehouse(home)
        step = CountedSteps(steps)
        spool = open_test_spool(home / "spool")
        spool.append(
            {RECEIVE_LOG: [*good[:5], bad_row(77), *good[5:]], IMAGE_META: batch("a", [1])[IMAGE_META]}
        )
        try:
            fragile = FragileSpool(home / "spool", step)
            Loader(fragile, FragileWarehouse(warehouse, step), settings, now=Clock()).run()
        except Killed:
            is_through = False
        else:
            is_through = True
        load_everything(spool, warehouse, settings)
        assert counts(warehouse) == {RECEIVE_LOG.name: 12, IMAGE_META.name: 1}, f"ended before step {steps}"
        [letter] = dead_letters(spool, RECEIVE_LOG)
        assert letter.rows.path.read_bytes() == bad_row(77) + b"\n"
        if is_through:
            break
    assert steps > 20


def test_files_that_are_no_rows_are_left_alone(spool, warehouse, settings):
    spool.append(batch("a", range(5)))
    stranger = spool.waiting_directory(IMAGE_META) / "notes.txt"
    stranger.write_text("?")
    load_everything(spool, warehouse, settings)
    assert counts(warehouse) == both(5)
    assert os.listdir(spool.waiting_directory(IMAGE_META)) == ["notes.txt"]
