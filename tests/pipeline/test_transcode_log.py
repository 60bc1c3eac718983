"""Attempts at transcoding get to the warehouse, once each."""

from datetime import UTC, datetime

import pytest

from dicomhub.transcoding.models import TranscodeAttempt
from tasks.pipeline.transcode_log import spool_attempts
from tasks.warehouse.open import open_warehouse
from tasks.warehouse.spool import open_spool
from tasks.warehouse.tables import TRANSCODE_LOG
from tests.support.spooling import ROOT, counts, load_everything


def attempts(numbers):
    TranscodeAttempt.objects.bulk_create(
        TranscodeAttempt(
            tenant="default",
            study_instance_uid=f"{ROOT}.1",
            series_instance_uid=f"{ROOT}.1.1",
            sop_instance_uid=f"{ROOT}.1.1.{number}",
            outcome="rendered",
            at=datetime.now(UTC),
            attempt=1,
            seconds=0.5,
            bytes_in=1000,
        )
        for number in numbers
    )


@pytest.mark.django_db
def test_each_attempt_is_in_the_warehouse_once_also_when_it_was_spooled_twice(environment):
    spool, warehouse = open_spool(environment), open_warehouse(environment.warehouse)
    warehouse.initialise()
    attempts(range(5))
    spool_attempts(spool)
    spool_attempts(spool)
    assert [file.number_of_rows for file in spool.waiting(TRANSCODE_LOG)] == [5]
    load_everything(spool, warehouse, environment.warehouse)
    TranscodeAttempt.objects.filter(sop_instance_uid__endswith=".3").update(is_spooled=False)  # killed before
    attempts(range(5, 7))
    spool_attempts(spool)
    assert [file.number_of_rows for file in spool.waiting(TRANSCODE_LOG)] == [3]
    load_everything(spool, warehouse, environment.warehouse)
    assert counts(warehouse) == {TRANSCODE_LOG.name: 7}
