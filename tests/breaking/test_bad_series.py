"""A round of `python -m tests.breaking.bad_series_rounds`, short."""

import shutil
from contextlib import closing

import pytest

from tests.support.database import database_url
from tests.support.redis_process import running_redis

INSTANCES = 60


@pytest.mark.skipif(shutil.which("dcmcjpls") is None, reason="DCMTK is not installed")
@pytest.mark.django_db(transaction=True)
def test_each_bad_instance_costs_itself_alone(tmp_path):
    from tests.breaking.bad_series import BAD, BadSeries, variables_of  # needs Django set up

    with running_redis(tmp_path / "redis") as redis:
        variables = variables_of(tmp_path, database_url=database_url(), redis_url=redis.url)
        with closing(BadSeries(tmp_path, variables, instances=INSTANCES, rows=128)) as series:
            series.run()
    assert series.summary.problems == []
    assert (series.summary.renditions, series.summary.records) == (INSTANCES - BAD, BAD)
