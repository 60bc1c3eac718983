"""The rule by which the pool grows, shrinks and is rolled, as a table; and its patience with failures."""

import time
from dataclasses import replace

import pytest

from dicomhub.environment import read_environment
from scp.backoff import Backoff
from scp.pool import Census, Plan, is_saturated, plan

SETTINGS = read_environment(
    {"SCP_MIN_SPARE_CHILDREN": "2", "SCP_MAX_SPARE_CHILDREN": "4", "SCP_MAX_CHILDREN": "6"}
).scp

CASES = {
    "at the start": (Census(), Plan(fork=2)),
    "while they start": (Census(starting=2), Plan()),
    "at rest": (Census(idle=2), Plan()),
    "one became busy": (Census(idle=1, busy=1), Plan(is_short=True)),
    "all became busy at once": (Census(busy=2), Plan(fork=1, is_short=True)),
    "a burst waits": (Census(busy=2, waiting=3), Plan(fork=3)),
    "those who wait are expected": (Census(busy=1, starting=3, waiting=3), Plan()),
    "the last one that may be": (Census(busy=5), Plan(fork=1)),
    "no more may be": (Census(busy=6), Plan()),
    "the last one is about to come": (Census(busy=5, starting=1), Plan()),
    "one is free again": (Census(busy=5, idle=1), Plan()),
    "one that leaves is no help": (Census(busy=5, leaving=1), Plan()),
    "a few too many": (Census(idle=5), Plan(retire=1)),
    "many too many": (Census(idle=6, busy=1, starting=2), Plan(retire=2)),
    "a roll begins with a fork": (Census(idle=2, old_idle=2), Plan(fork=1)),
    "a roll waits for the new one": (Census(idle=2, old_idle=2, starting=1), Plan()),
    "a roll retires one": (Census(idle=3, old_idle=2), Plan(retire_old=1)),
    "a roll waits for it to leave": (Census(idle=2, old_idle=1, leaving=1), Plan()),
    "a roll goes on": (Census(idle=2, old_idle=1), Plan(fork=1)),
    "a roll beyond the maximum": (Census(idle=2, old_idle=2, busy=4), Plan(fork=1)),
    "a roll while growing": (Census(idle=1, old_idle=1, busy=1), Plan(fork=1)),
}


@pytest.mark.parametrize("name", CASES)
def test_plan(name):
    census, expected = CASES[name]
    assert plan(census, SETTINGS, is_refill_due=False) == expected


@pytest.mark.parametrize(
    ("census", "forked", "expected"),
    [
        pytest.param(Census(busy=6), 0, True, id="no more may be"),
        pytest.param(Census(busy=5, leaving=1), 0, True, id="one that leaves is no help"),
        pytest.param(Census(busy=2), 1, False, id="one is coming"),
        pytest.param(Census(busy=2), 0, True, id="none could be forked"),
        pytest.param(Census(), 0, True, id="none could be forked and there is none"),
        pytest.param(Census(busy=2, idle=1), 0, False, id="none could be forked but one is there"),
        pytest.param(Census(busy=2, starting=1), 0, False, id="one has been forked before"),
    ],
)
def test_is_saturated(census, forked, expected):
    assert is_saturated(census, forked=forked) is expected


def test_patience_grows_until_something_that_was_begun_after_the_last_failure_goes_well():
    backoff = Backoff()
    busy_since = time.monotonic()
    assert [backoff.failed() for _ in range(3)] == [0.5, 1.0, 2.0]
    backoff.succeeded(begun_at=busy_since)
    assert backoff.failed() == 4.0
    backoff.succeeded(begun_at=time.monotonic())
    assert backoff.failed() == 0.5


def test_spare_children_are_made_one_by_one_while_others_are_busy():
    roomy = replace(SETTINGS, min_spare_children=4, max_children=100)
    assert plan(Census(), roomy, is_refill_due=False) == Plan(fork=4)
    assert plan(Census(busy=4), roomy, is_refill_due=False) == Plan(fork=1, is_short=True)
    assert plan(Census(busy=4), roomy, is_refill_due=True) == Plan(fork=1, refill=1, is_short=True)
    assert plan(Census(busy=4, starting=2), roomy, is_refill_due=True) == Plan(refill=1, is_short=True)
    assert plan(Census(busy=4, idle=3), roomy, is_refill_due=True) == Plan(refill=1)
    assert plan(Census(busy=4, idle=4), roomy, is_refill_due=True) == Plan()


def test_no_more_spare_children_are_wanted_than_may_be():
    assert plan(Census(busy=4, idle=1), SETTINGS, is_refill_due=True) == Plan(refill=1)
    assert plan(Census(busy=5, idle=1), SETTINGS, is_refill_due=True) == Plan()


def test_a_burst_gets_a_child_for_each_who_waits_and_no_more_than_can_be_forked_at_once():
    roomy = replace(SETTINGS, max_children=100)
    assert plan(Census(busy=2, waiting=3), roomy, is_refill_due=False) == Plan(fork=3)
    assert plan(Census(busy=2, waiting=20), roomy, is_refill_due=False) == Plan(fork=20)
    assert plan(Census(busy=2, waiting=90), roomy, is_refill_due=False) == Plan(fork=32)
    assert plan(Census(busy=2, starting=15, waiting=20), roomy, is_refill_due=False) == Plan(fork=5)
