"""A batch's way through the pipeline, as the database has it."""

from datetime import UTC, datetime, timedelta

import pytest

from dicomhub.archive import selectors, services
from dicomhub.archive.models import Batch, Series
from dicomhub.storage.filesystem import FilesystemStore
from tasks.messages import InstanceBatch
from tasks.route import STAGES
from tests.archive.building import STUDY, archived, header, index

pytestmark = pytest.mark.django_db

LAST = STAGES[-1].name
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def received(store: FilesystemStore) -> InstanceBatch:
    batch = InstanceBatch(batch_id="b1", instances=(archived(store, "1.1"), archived(store, "1.2")))
    services.accept_batch(batch)
    return batch


@pytest.fixture
def indexed(received: InstanceBatch, store: FilesystemStore) -> InstanceBatch:
    return index(store, "b1", *received.instances, header=header(PatientID="P1"))


def row() -> Batch:
    return Batch.objects.get(pk="b1")


def age(by: timedelta) -> None:
    Batch.objects.update(updated_at=datetime.now(UTC) - by)


def test_an_accepted_batch_can_be_driven_on_from_the_database(received: InstanceBatch):
    assert (row().state, row().stage, row().number_of_instances) == ("running", "received", 2)
    assert selectors.batch("b1") == received


def test_to_accept_a_batch_that_is_further_changes_nothing(indexed: InstanceBatch):
    services.accept_batch(indexed)
    assert row().stage == "index"


def test_the_last_stage_ends_a_batch_and_its_manifest_goes(indexed: InstanceBatch):
    services.batch_reached("b1", LAST)
    assert (row().state, row().stage, row().manifest) == ("done", LAST, None)
    assert row().finished_at is not None
    with pytest.raises(Batch.DoesNotExist):
        selectors.batch("b1")


def test_a_failure_is_noted_and_the_next_success_clears_it(indexed: InstanceBatch):
    services.batch_failed("b1", LAST, "OSError: \0 no space left")
    assert (row().state, row().error, row().stage) == ("failed", "OSError:  no space left", "index")
    services.batch_reached("b1", LAST)
    assert (row().state, row().error) == ("done", "")


def test_reports_that_come_late_change_nothing(indexed: InstanceBatch):
    services.batch_reached("b1", LAST)
    services.batch_failed("b1", LAST, "a second delivery, killed")
    services.batch_failed("b1", "index", "a second delivery, killed")
    services.batch_reached("b1", "index")
    services.batch_resumed("b1")
    assert (row().state, row().stage, row().error, row().attempts) == ("done", LAST, "", 1)


def test_a_failed_batch_is_due_again_ever_later(received: InstanceBatch):
    services.batch_failed("b1", "index", "error")
    age(timedelta(seconds=20))
    assert selectors.stuck_batches() == []
    age(timedelta(seconds=40))
    assert [batch.batch_id for batch in selectors.stuck_batches()] == ["b1"]
    services.batch_resumed("b1")
    assert (row().state, row().attempts) == ("running", 2)
    services.batch_failed("b1", "index", "error")
    age(timedelta(seconds=40))
    assert selectors.stuck_batches() == []
    age(timedelta(seconds=70))
    assert len(selectors.stuck_batches()) == 1


def test_a_batch_without_news_is_due_after_a_minute(indexed: InstanceBatch):
    age(timedelta(seconds=50))
    assert selectors.stuck_batches() == []
    age(timedelta(seconds=70))
    assert len(selectors.stuck_batches()) == 1


def test_a_batch_that_failed_too_often_waits_for_an_operator(received: InstanceBatch):
    services.batch_failed("b1", "index", "error")
    Batch.objects.update(attempts=selectors.MAX_ATTEMPTS, updated_at=LONG_AGO)
    assert selectors.stuck_batches() == []


def test_a_batch_that_only_the_spool_keeps_is_tried_every_hour_without_end(received: InstanceBatch):
    """The spool's disk was full for days: when it is not, nobody has to act."""
    services.batch_reached("b1", STAGES[-2].name)
    services.batch_failed("b1", LAST, "SpoolFull: the warehouse's spool has to leave ...")
    Batch.objects.update(attempts=5000, updated_at=datetime.now(UTC) - timedelta(minutes=59))
    assert selectors.stuck_batches() == []
    age(timedelta(minutes=61))
    assert [batch.batch_id for batch in selectors.stuck_batches()] == ["b1"]


def test_pruning_forgets_what_is_done_and_nothing_else(indexed: InstanceBatch, store: FilesystemStore):
    index(store, "b2", archived(store, "2.1"), header=header(PatientID="P1"))
    services.batch_reached("b1", LAST)
    assert services.prune_batches(LONG_AGO) == 0
    assert services.prune_batches(datetime.now(UTC) + timedelta(days=1)) == 1
    assert list(Batch.objects.values_list("batch_id", flat=True)) == ["b2"]


def test_unmerged_instances_are_those_of_this_series_that_no_document_has(store: FilesystemStore):
    model = header(PatientID="P1")
    later, earlier = archived(store, "1.2", minute=2), archived(store, "1.1", minute=1)
    elsewhere = archived(store, "2.1", series="1.2.826.1.2")
    index(store, "b2", later, elsewhere, header=model)
    index(store, "b1", earlier, header=model)
    series = selectors.series("default", STUDY, earlier.series_instance_uid)
    assert selectors.unmerged_instances(series) == [earlier, later]
    services.batch_reached("b2", "load")
    assert selectors.unmerged_instances(series) == [earlier]


def test_studies_of_a_batch_and_their_stale_series(store: FilesystemStore):
    instances = (
        archived(store, "2.1", study="1.2.9", series="1.2.9.1"),
        archived(store, "1.2", series="1.2.826.1.2"),
        archived(store, "1.1"),
    )
    index(store, "b1", *instances, header=header(PatientID="P1"))
    studies = selectors.studies_of_batch("b1")
    assert [study.study_instance_uid for study in studies] == ["1.2.826.1", "1.2.9"]
    first, second = selectors.stale_series(studies[0])
    services.series_documented(first.pk, first.revision)
    assert selectors.stale_series(studies[0]) == [second]


def test_a_document_of_an_older_revision_leaves_a_newer_one_fresh(indexed: InstanceBatch):
    series, study = Series.objects.get(), selectors.study("default", STUDY)
    services.series_documented(series.pk, series.revision)
    services.series_documented(series.pk, series.revision - 1)
    services.study_documented(study.pk, study.revision - 1)
    series.refresh_from_db()
    study.refresh_from_db()
    assert (series.is_document_fresh, study.is_document_fresh) == (True, False)


def test_a_new_instance_makes_both_documents_stale(indexed: InstanceBatch, store: FilesystemStore):
    for series in Series.objects.all():
        services.series_documented(series.pk, series.revision)
        services.study_documented(series.study_id, series.study.revision)
    index(store, "b2", archived(store, "1.3"), header=header(PatientID="P1"))
    series = Series.objects.select_related("study").get()
    assert (series.is_document_fresh, series.study.is_document_fresh) == (False, False)
