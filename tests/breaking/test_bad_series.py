"""A round of `python -m tests.breaking.bad_series_rounds`, short."""

import shutil

import pytest


@pytest.mark.skipif(shutil.which("dcmcjpls") is None, reason="DCMTK is not installed")
@pytest.mark.django_db
def test_each_bad_instance_costs_itself_alone(environment, tmp_path):
    from tests.breaking.bad_series import BAD, BadSeries  # needs Django set up

    instances = 60
    *_, summary = BadSeries(environment, tmp_path, instances=instances, rows=128).rounds(1)
    assert summary.problems == []
    assert (summary.renditions, summary.records) == (instances - BAD, BAD)
