"""A little of what `python -m tests.breaking.warehouse_rounds` does for long."""

from tests.breaking import warehouse_rounds


def test_writers_a_compactor_and_readers_at_once(tmp_path):
    assert warehouse_rounds.together(tmp_path, seconds=4, writers=4) > 0


def test_loads_and_compactions_that_are_killed_leave_every_row_once(tmp_path):
    assert warehouse_rounds.kill(tmp_path, rounds=4, seed=7) > 0
