from tests.breaking.load_rounds import Rounds


def test_rounds_of_kill_9_leave_every_row_in_the_warehouse_once(tmp_path):
    rounds = Rounds(tmp_path, seed=5)
    for _ in range(2):
        rounds.run()
    assert rounds.summary.problems == []
    assert rounds.summary.kills
