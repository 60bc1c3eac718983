"""A few of the rounds of `python -m tests.breaking.kill_rounds`."""

from tests.breaking.kill_rounds import kill_rounds


def test_what_was_answered_0000_survives_kill_9_whole_once_and_published(tmp_path):
    *_, summary = kill_rounds(tmp_path, rounds=4, seed=20)
    assert summary.problems == []
    assert summary.rounds == 4
    assert summary.kills.total() >= 4
    assert summary.acknowledged > 0
