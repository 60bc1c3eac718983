"""Batches through real workers: what the end state is, however they got there."""

import json
import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pydicom
import pytest

from dicomhub.archive import services
from dicomhub.archive.models import Batch, Patient, Series, Study
from dicomhub.intake.segments import cut_segments, published_segments
from dicomhub.metadata.manifest import read_manifest
from dicomhub.metadata.series import read_series
from dicomhub.storage.layout import JOURNAL, SeriesKey
from tasks.messages import InstanceBatch
from tasks.publish import publish_batch
from tasks.route import INDEX, RECEIVED, STAGES, SWEEP_TASK
from tasks.warehouse.open import open_warehouse
from tasks.warehouse.spool import open_spool
from tasks.warehouse.tables import IMAGE_META, RECEIVE_LOG, STATE_META
from tests.support.ct_series import write_ct_series
from tests.support.receiving import receive
from tests.support.samples import sample
from tests.support.spooling import counts, load_everything
from tests.support.waiting import wait_until

TWO_HOURS_AGO = datetime.now(UTC) - timedelta(hours=2)


def all_done():
    return Batch.objects.exists() and not Batch.objects.exclude(state=Batch.State.DONE).exists()


def wait_until_done():
    wait_until(all_done, what="every batch has passed every stage")


def ct_paths(folder, instances=5, patient_id="P"):
    return write_ct_series(folder, instances=instances, patient_id=patient_id, rows=16)


def receive_batch(intake, paths):
    archived = [receive(intake, path) for path in paths]
    intake.cut()
    return [one.instance for one in archived]


def series_key(instance):
    return SeriesKey(instance.tenant, instance.study_instance_uid, instance.series_instance_uid)


def test_a_batch_becomes_rows_and_documents_and_leaves_the_journal(worker, intake, dispatcher, tmp_path):
    instances = receive_batch(intake, ct_paths(tmp_path))
    dispatcher.publish_pending()
    wait_until_done()
    study = Study.objects.get()
    assert (study.number_of_series, study.number_of_instances) == (1, 5)
    assert study.size_bytes == sum(instance.size_bytes for instance in instances)
    assert Patient.objects.get().patient_id == "P"
    series = Series.objects.get()
    assert series.is_document_fresh
    assert study.is_document_fresh
    metadata = read_series(intake.store, series_key(instances[0]), is_fresh=True)
    assert {entry.digest for entry in metadata.entries} == {instance.digest for instance in instances}
    assert {entry.source for entry in metadata.entries} == {"dimse"}
    assert list(intake.store.absolute(JOURNAL).iterdir()) == []
    assert Batch.objects.get().manifest is None


def test_a_batch_that_is_delivered_twice_changes_nothing(worker, intake, dispatcher, app, tmp_path):
    instances = receive_batch(intake, ct_paths(tmp_path))
    [segment] = cut_segments(intake.store.absolute(JOURNAL))
    batch = InstanceBatch(batch_id=segment.stem, instances=tuple(instances))
    for _ in range(3):
        publish_batch(app, batch)
    wait_until_done()
    sentinel = receive_batch(intake, [sample("MR_small.dcm")])
    dispatcher.publish_pending()
    wait_until(lambda: Batch.objects.filter(state=Batch.State.DONE).count() == 2, what="the queue is through")
    assert sentinel
    assert Study.objects.get(study_instance_uid=instances[0].study_instance_uid).number_of_instances == 5
    assert Batch.objects.get(pk=batch.batch_id).attempts == 1


def test_batches_of_one_series_out_of_order_end_in_the_same_state(worker, intake, app, tmp_path):
    paths = ct_paths(tmp_path, instances=6)
    batches = []
    for number in range(3):
        instances = receive_batch(intake, paths[number * 2 : number * 2 + 2])
        batches.append(InstanceBatch(batch_id=f"batch-{number}", instances=tuple(instances)))
    for batch in (batches[2], batches[0], batches[1], batches[0]):
        publish_batch(app, batch)
    wait_until(lambda: Batch.objects.filter(state=Batch.State.DONE).count() == 3, what="all are through")
    assert Series.objects.get().number_of_instances == 6
    key = series_key(batches[0].instances[0])
    manifest = read_manifest(intake.store, key)
    assert len(manifest.instances) == 6
    assert {entry.digest for entry in manifest.instances} == {
        instance.digest for batch in batches for instance in batch.instances
    }


def test_a_worker_that_is_killed_half_way_leaves_nothing_undone(
    idle_worker, intake, dispatcher, app, environment, tmp_path
):
    """Its messages stay with Redis for an hour. The journal and the database know earlier what is missing."""
    paths = ct_paths(tmp_path, instances=40)
    for start in range(0, 40, 5):
        receive_batch(intake, paths[start : start + 5])
    dispatcher.publish_pending()
    idle_worker.start()
    for indexed in (1, 4):
        wait_until(lambda at_least=indexed: Batch.objects.count() >= at_least, what="it is under way")
        idle_worker.kill()
        idle_worker.start()

    def drive_on():
        for segment in published_segments(intake.store.absolute(JOURNAL)):
            make_older(segment)
        long_ago()
        app.send_task(SWEEP_TASK, queue="maintenance")
        return Batch.objects.filter(state=Batch.State.DONE).count() == 8

    wait_until(drive_on, what="all are through")
    warehouse = open_warehouse(environment.warehouse)
    warehouse.initialise()
    load_everything(open_spool(environment), warehouse, environment.warehouse)
    assert counts(warehouse) == {STATE_META.name: 1, IMAGE_META.name: 40, RECEIVE_LOG.name: 40}
    assert Series.objects.get().number_of_instances == 40
    assert len(read_manifest(intake.store, series_key_of(paths[0])).instances) == 40


def make_older(path):
    with suppress(FileNotFoundError):  # settled meanwhile
        os.utime(path, (TWO_HOURS_AGO.timestamp(), TWO_HOURS_AGO.timestamp()))


def series_key_of(path):
    data_set = pydicom.dcmread(path, stop_before_pixels=True)
    return SeriesKey("default", data_set.StudyInstanceUID, data_set.SeriesInstanceUID)


def test_a_stage_that_fails_is_recorded_and_the_sweeper_drives_it_on(
    worker, intake, dispatcher, app, tmp_path
):
    instances = receive_batch(intake, ct_paths(tmp_path))
    # A file where the documents' folder belongs: the metadata stage cannot write.
    obstacle = intake.store.absolute(f"metadata/default/{instances[0].study_instance_uid}")
    obstacle.parent.mkdir(parents=True)
    obstacle.write_bytes(b"")
    dispatcher.publish_pending()
    failed = wait_until(
        lambda: Batch.objects.filter(state=Batch.State.FAILED).first(), what="the failure is recorded"
    )
    assert failed.stage == INDEX.name
    assert failed.attempts == 1
    assert "FileExistsError" in failed.error or "NotADirectoryError" in failed.error
    assert Study.objects.get().number_of_instances == 5, "it can be found all the same"
    obstacle.unlink()

    def drive_on():
        long_ago()
        app.send_task(SWEEP_TASK, queue="maintenance")
        return all_done()

    wait_until(drive_on, what="it is done")
    assert Batch.objects.get().error == ""
    assert Study.objects.get().is_document_fresh


def long_ago():
    Batch.objects.update(updated_at=TWO_HOURS_AGO)


def test_a_batch_whose_messages_were_lost_is_driven_on_from_where_it_stood(worker, intake, app, tmp_path):
    instances = receive_batch(intake, ct_paths(tmp_path))
    batch = InstanceBatch(batch_id="lost", instances=tuple(instances))
    services.accept_batch(batch)
    row = Batch.objects.get()
    assert (row.stage, row.state) == (RECEIVED, Batch.State.RUNNING)

    def drive_on():
        # The sweep publishes what the journal holds first, and leaves the other batch for when that is through.
        long_ago()
        app.send_task(SWEEP_TASK, queue="maintenance")
        return Batch.objects.filter(pk="lost", state=Batch.State.DONE).exists()

    wait_until(drive_on, what="it is done")
    assert Batch.objects.get(pk="lost").stage == STAGES[-1].name
    assert Series.objects.get().number_of_instances == 5


def test_while_the_database_is_away_the_journal_keeps_the_batch(
    idle_worker, variables, intake, dispatcher, tmp_path
):
    instances = receive_batch(intake, ct_paths(tmp_path))
    variables["DATABASE_URL"] = "postgresql://nobody@127.0.0.1:1/nothing"
    idle_worker.start()
    dispatcher.publish_pending()
    wait_until(lambda: "stage_failed" in idle_worker.log(), what="the stage has failed")
    assert len(published_segments(intake.store.absolute(JOURNAL))) == 1
    assert intake.store.absolute(instances[0].path).exists()


def test_a_file_that_is_gone_or_damaged_keeps_no_other_of_its_batch_back(
    worker, intake, dispatcher, tmp_path
):
    instances = receive_batch(
        intake,
        [
            *ct_paths(tmp_path / "one", instances=2, patient_id="ONE"),
            *ct_paths(tmp_path / "two", patient_id="TWO"),
        ],
    )
    newest = [instance for instance in instances if instance.patient_id == "ONE"][-1]
    intake.store.absolute(newest.path).unlink()
    intake.store.absolute(instances[-1].path).write_bytes(b"damaged")
    dispatcher.publish_pending()
    wait_until_done()
    assert dict(Study.objects.values_list("patient__patient_id", "number_of_instances")) == {
        "ONE": 1,
        "TWO": 5,
    }


def test_a_batch_of_another_version_keeps_the_sweeper_from_no_other(worker, intake, app, tmp_path):
    for number, path in enumerate(ct_paths(tmp_path, instances=2)):
        batch = InstanceBatch(batch_id=f"batch-{number}", instances=(receive(intake, path).instance,))
        services.accept_batch(batch)
    Batch.objects.filter(pk="batch-0").update(manifest={"schema_version": 99})

    def states():
        long_ago()
        app.send_task(SWEEP_TASK, queue="maintenance")
        return dict(Batch.objects.values_list("pk", "state"))

    wait_until(
        lambda: states() == {"batch-0": Batch.State.FAILED, "batch-1": Batch.State.DONE},
        what="the one says what is wrong, the other is done",
    )
    assert Batch.objects.get(pk="batch-0").error


def test_a_corrected_patient_moves_the_study(worker, intake, dispatcher, tmp_path):
    path = ct_paths(tmp_path, instances=1)[0]
    receive_batch(intake, [path])
    dispatcher.publish_pending()
    wait_until_done()
    data_set = pydicom.dcmread(path)
    data_set.PatientID = "CORRECTED"
    data_set.save_as(path)
    receive_batch(intake, [path])
    dispatcher.publish_pending()
    wait_until(
        lambda: Patient.objects.filter(patient_id="CORRECTED").exists() and all_done(), what="it is indexed"
    )
    assert [patient.patient_id for patient in Patient.objects.all()] == ["CORRECTED"]
    [line] = read_series(intake.store, series_key_of(path), is_fresh=True).lines
    assert json.loads(line)["00100020"]["Value"] == ["CORRECTED"]


@pytest.mark.parametrize("name", ["SC_rgb_jpeg_dcmtk.dcm", "image_dfl.dcm", "MR_truncated.dcm"])
def test_any_encoding_is_indexed(worker, intake, dispatcher, name):
    [instance] = receive_batch(intake, [sample(name)])
    dispatcher.publish_pending()
    wait_until_done()
    assert Study.objects.get().study_instance_uid == instance.study_instance_uid
