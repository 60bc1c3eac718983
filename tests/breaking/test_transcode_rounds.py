"""One of the rounds of `python -m tests.breaking.transcode_kill_rounds`."""

from contextlib import closing

import pytest

from tests.support.database import database_url
from tests.support.redis_process import running_redis


@pytest.mark.django_db(transaction=True)
def test_kill_9_while_transcoding_ends_in_the_same_state(tmp_path):
    from tests.breaking.transcode_rounds import Rounds, variables_of  # needs Django set up

    with running_redis(tmp_path / "redis") as redis:
        variables = variables_of(tmp_path, database_url=database_url(), redis_url=redis.url)
        with closing(Rounds(tmp_path, variables, seed=7)) as rounds:
            rounds.run(1, kills=2)
    assert rounds.summary.problems == []
    assert rounds.summary.kills.total() == 2
