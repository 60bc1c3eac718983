"""A short run of `python -m tests.breaking.doris_loads`."""

from tests.breaking.doris_loads import load_with_faults


def test_loads_that_fail_at_random_leave_every_row_once() -> None:
    report = load_with_faults(loads=60, probability=0.5, seed=60)
    assert not report.wrong
    assert sum(report.faults.values()) > 20
