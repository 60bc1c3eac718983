"""What the pipeline makes of deletions: stages that come late, the warehouse, and what beat completes."""

import os
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from dicomhub.archive.models import Batch, Patient, Series, Study
from dicomhub.deletion import deleting
from dicomhub.deletion.deleting import NothingToDelete, Request, delete
from dicomhub.deletion.models import Deletion
from dicomhub.deletion.restoring import request_restore
from dicomhub.deletion.target import Target
from dicomhub.intake.door import Intake
from dicomhub.intake.segments import cut_segments, read_segment
from dicomhub.storage.deleted import locked_deletion
from dicomhub.storage.layout import JOURNAL
from dicomhub.transcoding.models import UnrenderedInstance
from tasks.messages import batch_to_message
from tasks.pipeline.deletions import deletions
from tasks.pipeline.index import index
from tasks.pipeline.load import load
from tasks.pipeline.metadata import metadata
from tasks.pipeline.transcode import transcode
from tasks.warehouse.open import open_warehouse
from tasks.warehouse.queries import QueryName
from tasks.warehouse.spool import open_spool
from tasks.warehouse.tables import IMAGE_META, RECEIVE_LOG, STATE_META
from tests.support.ct_series import write_ct_series
from tests.support.file_clock import let_it_move
from tests.support.receiving import receive
from tests.support.spooling import load_everything

WHO = Request(by="tester", source="command", reason="a test")


@pytest.fixture
def intake(environment, db, settings, tmp_path):
    """The stages are run by the test itself, one by one."""
    settings.ENVIRONMENT = environment
    with closing(Intake.open(environment, owner="test")) as intake:
        yield intake


@pytest.fixture
def environment(tmp_path):
    """No broker: nothing is published here."""
    from dicomhub.environment import read_environment

    return read_environment(
        {"DICOMHUB_HOME": str(tmp_path / "home"), "STORE_RESERVE_BYTES": "0", "BATCH_MAX_SECONDS": "3600"}
    )


@pytest.fixture
def files(tmp_path):
    return write_ct_series(tmp_path / "ct", instances=3, patient_id="P", rows=16, study_instance_uid="1.2.3")


def received(intake, *files):
    """The batch of what was received now."""
    instances = [receive(intake, path).instance for path in files]
    intake.cut()
    return next(
        batch
        for path in cut_segments(intake.store.absolute(JOURNAL))
        if (batch := read_segment(path).batch).instances[-1] == instances[-1]
    )


def pass_stages(batch):
    index(batch_to_message(batch))
    for stage in (metadata, transcode, load):
        stage(batch.batch_id)


def study_of(batch, series=None, instance=None):
    return Target(
        tenant="default",
        study_instance_uid=batch.instances[0].study_instance_uid,
        series_instance_uid=series,
        sop_instance_uid=instance,
    )


def counted(environment):
    warehouse = open_warehouse(environment.warehouse)
    load_everything(open_spool(environment), warehouse, environment.warehouse)
    rows = dict(warehouse.query(QueryName.ROWS, {"tenant": None}).rows)
    studies = warehouse.query(QueryName.LARGEST_STUDIES, {"tenant": None, "limit": 10}).rows
    return {
        "instances": rows[IMAGE_META.name],
        "series": rows[STATE_META.name],
        "received": rows[RECEIVE_LOG.name],
        "of studies": [row[6] for row in studies],
    }


def test_a_deletion_leaves_the_warehouse_and_what_comes_again_comes_back(intake, environment, files):
    open_warehouse(environment.warehouse).initialise()
    batch = received(intake, *files)
    pass_stages(batch)
    assert counted(environment) == {"instances": 3, "series": 1, "received": 3, "of studies": [3]}
    assert list(intake.store.absolute("metadata").rglob("*.gz"))
    first = batch.instances[0]
    delete(intake.store, study_of(batch, first.series_instance_uid, first.sop_instance_uid), WHO)
    deletions()
    assert counted(environment) == {"instances": 2, "series": 1, "received": 3, "of studies": [2]}
    delete(intake.store, study_of(batch), WHO)
    deletions()
    assert counted(environment) == {"instances": 0, "series": 0, "received": 3, "of studies": []}
    assert not list(intake.store.absolute("metadata").rglob("*.gz"))
    pass_stages(received(intake, *files[:2]))
    assert counted(environment) == {"instances": 2, "series": 1, "received": 5, "of studies": [2]}
    assert request_restore(Deletion.objects.filter(level="study")) == 1
    deletions()
    (path,) = [path for path in cut_segments(intake.store.absolute(JOURNAL)) if "restore" in path.read_text()]
    pass_stages(read_segment(path).batch)
    assert counted(environment)["instances"] == 3


def test_documents_say_what_is_left(intake, environment, files):
    batch = received(intake, *files)
    pass_stages(batch)
    first = batch.instances[0]
    delete(intake.store, study_of(batch, first.series_instance_uid, first.sop_instance_uid), WHO)
    series = Series.objects.select_related("study").get()
    assert not series.is_document_fresh
    deletions()
    series.refresh_from_db()
    assert (series.is_document_fresh, series.number_of_instances) == (True, 2)
    assert Study.objects.get().is_document_fresh


STAGES = (metadata, transcode, load)


@pytest.mark.parametrize("passed", range(5))
def test_a_batch_whose_files_were_deleted_makes_no_rows_and_fails_at_no_stage(
    intake, environment, files, passed
):
    """Deleted after so many of its steps; then it is published again, from the start."""
    batch = received(intake, *files)
    steps = [
        lambda: index(batch_to_message(batch)),
        *(lambda stage=stage: stage(batch.batch_id) for stage in STAGES),
    ]
    for step in steps[:passed]:
        step()
    delete(intake.store, study_of(batch), WHO)
    for step in steps[passed:]:
        step()
    for step in steps:
        step()
    assert Batch.objects.get().state == Batch.State.DONE
    assert not any(model.objects.exists() for model in (Patient, Study, Series))
    deletions()
    open_warehouse(environment.warehouse).initialise()
    assert counted(environment) == {"instances": 0, "series": 0, "received": 3, "of studies": []}


def test_half_of_a_batch_deleted_leaves_the_attributes_of_the_other(intake, files):
    batch = received(intake, *files)
    last = batch.instances[-1]
    delete(intake.store, study_of(batch, last.series_instance_uid, last.sop_instance_uid), WHO)
    index(batch_to_message(batch))
    series = Series.objects.select_related("study__patient").get()
    assert (series.modality, series.number_of_instances) == ("CT", 2)
    assert series.study.patient.patient_id == "P"
    assert series.study.attributes_received_at == batch.instances[1].received_at


class Killed(BaseException):
    """What is raised where a process would have ended."""


@pytest.mark.parametrize("step", ["withdraw_series", "_recounted"])
def test_an_interrupted_deletion_is_completed(intake, environment, files, monkeypatch, step):
    batch = received(intake, *files)
    pass_stages(batch)

    def killed(*_, **__):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(deleting, step, killed)
        with pytest.raises(Killed):
            delete(intake.store, study_of(batch), WHO)
    (deletion,) = Deletion.objects.all()
    assert deletion.state == Deletion.State.RUNNING
    let_it_move(intake.store.root)
    receive(intake, files[0])
    with locked_deletion(intake.store, deletion.deletion_id):
        deletions()  # somebody is still at it
    deletion.refresh_from_db()
    assert deletion.state == Deletion.State.RUNNING
    deletions()
    deletion.refresh_from_db()
    assert (deletion.state, deletion.is_settled) == (Deletion.State.DONE, True)
    left = [path.name for path in intake.store.absolute("default").rglob("*.dcm")]
    assert left == [f"{batch.instances[0].sop_instance_uid}.dcm"]


def test_what_was_deleted_long_ago_is_purged_and_said_to_be(intake, environment, files, settings):
    batch = received(intake, *files)
    pass_stages(batch)
    deletion = delete(intake.store, study_of(batch), WHO)
    folder = intake.store.absolute(f"deleted/{deletion.deletion_id}")
    deletions()
    deletion.refresh_from_db()
    assert (deletion.state, len(list(folder.rglob("*.dcm")))) == ("done", 3)
    Deletion.objects.update(finished_at=datetime.now(UTC) - timedelta(days=31))
    deletions()
    deletion.refresh_from_db()
    assert (deletion.state, deletion.number_of_instances, folder.exists()) == ("purged", 3, False)
    assert request_restore(Deletion.objects.all()) == 0


def test_what_could_not_be_rendered_is_forgotten_with_its_instance(intake, environment, files):
    batch = received(intake, *files)
    pass_stages(batch)
    for instance in batch.instances[:2]:
        UnrenderedInstance.objects.create(
            tenant="default",
            study_instance_uid=instance.study_instance_uid,
            series_instance_uid=instance.series_instance_uid,
            sop_instance_uid=instance.sop_instance_uid,
            outcome="corrupt",
            state="given up",
            size_bytes=1,
            mtime_ns=1,
            settings_key="x",
            attempts=1,
        )
    first = batch.instances[0]
    delete(intake.store, study_of(batch, first.series_instance_uid, first.sop_instance_uid), WHO)
    deletions()
    (row,) = UnrenderedInstance.objects.all()
    assert row.sop_instance_uid == batch.instances[1].sop_instance_uid


def test_the_commands_delete_and_restore(intake, environment, files, capsys, monkeypatch):
    batch = received(intake, *files)
    pass_stages(batch)
    study = batch.instances[0].study_instance_uid
    with pytest.raises(CommandError, match="there is no such study"):
        call_command("delete_from_archive", study="9", reason="-")
    with pytest.raises(CommandError, match="StudyInstanceUID"):
        call_command("delete_from_archive", study="x", reason="-")
    call_command("delete_from_archive", study=study, reason="wrong patient")
    deletion = Deletion.objects.get()
    assert deletion.reason == "wrong patient"
    assert f"restore_deleted {deletion.deletion_id}" in capsys.readouterr().out
    call_command("restore_deleted")
    assert "wrong" in capsys.readouterr().out
    environment.embedded_redis_url_file.parent.mkdir(exist_ok=True)
    environment.embedded_redis_url_file.write_text("redis://127.0.0.1:1")
    call_command("restore_deleted", deletion.deletion_id)
    assert len(list(intake.store.absolute("default").rglob("*.dcm"))) == 3
    with pytest.raises(CommandError, match="nothing to restore"):
        call_command("restore_deleted", deletion.deletion_id)


def test_deleted_twice_is_nothing_the_second_time(intake, files):
    batch = received(intake, *files)
    delete(intake.store, study_of(batch), WHO)
    with pytest.raises(NothingToDelete):
        delete(intake.store, study_of(batch), WHO)
    assert os.listdir(intake.store.absolute("deleted")) == [Deletion.objects.get().deletion_id]
