"""What of a batch gets to the warehouse: its rows, and their way there through a real worker."""

import json
from contextlib import suppress

import orjson
import pytest

from dicomhub.archive import selectors, services
from dicomhub.archive.models import Batch, Series
from dicomhub.intake.door import Intake
from dicomhub.intake.refusal import IntakeRefused
from dicomhub.intake.segments import cut_segments, read_segment
from dicomhub.storage.layout import JOURNAL
from tasks.messages import batch_to_message
from tasks.pipeline.batch_rows import batch_rows
from tasks.pipeline.index import index
from tasks.pipeline.load import load
from tasks.pipeline.metadata import metadata
from tasks.publish import publish_batch
from tasks.route import LOAD_SPOOL_TASK, METADATA
from tasks.warehouse.open import open_warehouse
from tasks.warehouse.port import LoadStatus
from tasks.warehouse.progress import read_progress, try_at_once
from tasks.warehouse.queries import QueryName
from tasks.warehouse.spool import open_spool
from tasks.warehouse.tables import IMAGE_META, RECEIVE_LOG, STATE_META
from tests.support.ct_series import write_ct_series
from tests.support.receiving import data_set_of, receive
from tests.support.samples import sample, sample_files
from tests.support.spooling import counts, load_everything
from tests.support.waiting import wait_until

CT = sample("CT_small.dcm")
# Rows are due at once, and batches are cut by the test alone.
TIMES = {"WAREHOUSE_LOAD_MAX_SECONDS": "0.001", "BATCH_MAX_SECONDS": "3600"}


@pytest.fixture
def variables(variables):
    return variables | TIMES


@pytest.fixture
def own_intake(environment, transactional_db, settings):
    """The stages are run by the test itself, one by one."""
    settings.ENVIRONMENT = environment
    return Intake.open(environment, owner="test")


def cut(intake):
    intake.cut()
    [path] = cut_segments(intake.store.absolute(JOURNAL))
    return read_segment(path).batch


def passed(intake, *, documented=True):
    """The batch of what was received, when it comes to the load stage."""
    batch = cut(intake)
    index(batch_to_message(batch))
    if documented:
        metadata(batch.batch_id)
    return batch


def rows_of(intake, batch, table):
    return [orjson.loads(row) for row in batch_rows(intake.store, batch)[table]]


def test_batches_get_to_the_warehouse_and_wait_while_it_is_not_there(
    worker, intake, dispatcher, app, environment, tmp_path
):
    for path in (
        *write_ct_series(tmp_path / "ct", instances=5, patient_id="P", rows=16),
        sample("MR_small.dcm"),
    ):
        receive(intake, path)
        intake.cut()
    batches = [read_segment(path).batch for path in cut_segments(intake.store.absolute(JOURNAL))]
    dispatcher.publish_pending()
    for batch in batches[:3]:
        publish_batch(app, batch)  # again
    wait_until(
        lambda: Batch.objects.filter(state=Batch.State.DONE).count() == 6, what="all are done", seconds=60
    )
    spool, warehouse = open_spool(environment), open_warehouse(environment.warehouse)
    app.send_task(LOAD_SPOOL_TASK, queue="load")
    progress = wait_until(
        lambda: (one := read_progress(spool, RECEIVE_LOG)).status and one, what="a load is tried"
    )
    assert progress.status is LoadStatus.MISCONFIGURED, "no warehouse yet"
    warehouse.initialise()
    for table in (STATE_META, IMAGE_META, RECEIVE_LOG):
        try_at_once(spool, table)
    app.send_task(LOAD_SPOOL_TASK, queue="load")
    wait_until(lambda: not spool.waiting(RECEIVE_LOG), what="nothing waits any more")
    assert counts(warehouse) == {STATE_META.name: 2, IMAGE_META.name: 6, RECEIVE_LOG.name: 6}


def test_the_columns_are_what_the_header_says(own_intake):
    receive(own_intake, CT)
    batch = passed(own_intake)
    [image] = rows_of(own_intake, batch, IMAGE_META)
    assert image["header"]["00280030"]["Value"] == [0.661468, 0.661468]
    expected = {
        "modality": "CT",
        "study_date": "2004-01-19",
        "patient_id": "1CT1",
        "instance_number": 1,
        "rows_count": 128,
        "columns_count": 128,
        "number_of_frames": None,
        "pixel_spacing_row": 0.661468,
        "slice_thickness": 5.0,
        "slice_location": -77.2040634155,
        "image_position_x": -158.135803,
        "image_orientation_patient": "1.0\\0.0\\0.0\\0.0\\1.0\\0.0",
        "samples_per_pixel": 1,
        "photometric_interpretation": "MONOCHROME2",
        "bits_allocated": 16,
        "pixel_representation": 1,
        "digest": batch.instances[0].digest,
        "calling_ae_title": "SENDER",
    }
    assert {name: image[name] for name in expected} == expected
    [state] = rows_of(own_intake, batch, STATE_META)
    assert (state["modality"], state["number_of_instances"], state["study_time"]) == (
        "CT",
        1,
        "072730.000000",
    )
    assert state["first_received_at"] == image["received_at"]
    [received] = rows_of(own_intake, batch, RECEIVE_LOG)
    assert (received["event_id"], received["modality"]) == (f"{batch.batch_id}-0", "CT")
    assert received["indexed_at"] is not None


@pytest.mark.parametrize("documented", [True, False])
def test_rows_are_the_same_with_and_without_documents(own_intake, tmp_path, documented):
    paths = write_ct_series(tmp_path, instances=30, patient_id="P", rows=16)
    for path in paths[:29]:
        receive(own_intake, path)
    passed(own_intake)
    receive(own_intake, paths[29])
    batch = passed(own_intake, documented=documented)
    [image] = rows_of(own_intake, batch, IMAGE_META)
    assert (image["instance_number"], image["sop_instance_uid"]) == (30, batch.instances[0].sop_instance_uid)
    assert image["header"]["00200013"]["Value"] == [30]
    [state] = rows_of(own_intake, batch, STATE_META)
    assert state["number_of_instances"] == 30


def test_of_an_instance_that_was_replaced_the_newest_stays_whatever_comes_first(own_intake, environment):
    first = receive(own_intake, CT)
    older = passed(own_intake)
    changed = data_set_of(CT).replace(b"1CT1", b"2CT2")
    second = receive(own_intake, CT, data_set=changed)
    assert second.instance.digest != first.instance.digest
    newer = passed(own_intake)
    assert rows_of(own_intake, older, IMAGE_META) == []
    assert len(rows_of(own_intake, older, RECEIVE_LOG)) == 1
    spool, warehouse = open_spool(environment), open_warehouse(environment.warehouse)
    warehouse.initialise()
    for batch in (newer, older):
        load(batch.batch_id)
    load_everything(spool, warehouse, environment.warehouse)
    assert counts(warehouse) == {STATE_META.name: 1, IMAGE_META.name: 1, RECEIVE_LOG.name: 2}
    parameters = {"tenant": "default", "study_instance_uid": None, "series_instance_uids": None}
    [row] = warehouse.query(
        QueryName.INSTANCES_BY_HEADER, {**parameters, "matches": [], "limit": 10, "offset": 0}
    ).mappings()
    assert json.loads(row["header"])["00100020"]["Value"] == ["2CT2"]


def test_what_was_withdrawn_or_cannot_be_read_any_more_holds_nothing_up(own_intake, tmp_path):
    paths = write_ct_series(tmp_path, instances=3, patient_id="P", rows=16)
    instances = [receive(own_intake, path).instance for path in paths]
    own_intake.store.absolute(instances[0].path).unlink()
    own_intake.store.absolute(instances[1].path).write_bytes(b"no DICOM file")
    batch = passed(own_intake)
    images = {image["sop_instance_uid"]: image for image in rows_of(own_intake, batch, IMAGE_META)}
    assert set(images) == {instances[1].sop_instance_uid, instances[2].sop_instance_uid}
    assert "header" not in images[instances[1].sop_instance_uid]
    assert len(rows_of(own_intake, batch, RECEIVE_LOG)) == 3


def test_every_sample_file_has_a_row_that_the_warehouse_takes(own_intake, environment):
    received = 0
    for path in sample_files():
        with suppress(IntakeRefused, ValueError, OSError):  # what is no instance is for the intake's tests
            receive(own_intake, path)
            received += 1
    batch = passed(own_intake)
    load(batch.batch_id)
    assert Batch.objects.get().state == Batch.State.DONE
    spool, warehouse = open_spool(environment), open_warehouse(environment.warehouse)
    warehouse.initialise()
    load_everything(spool, warehouse, environment.warehouse)
    archived = len(list((environment.store_root / "default").rglob("*.dcm")))
    assert received > 50
    assert counts(warehouse) == {
        STATE_META.name: Series.objects.count(),
        IMAGE_META.name: archived,
        RECEIVE_LOG.name: len(batch.instances),
    }


def test_a_message_for_a_batch_that_is_done_changes_nothing(own_intake, environment):
    receive(own_intake, CT)
    batch = passed(own_intake)
    load(batch.batch_id)
    load(batch.batch_id)
    assert len(open_spool(environment).waiting(IMAGE_META)) == 1
    with pytest.raises(Batch.DoesNotExist):
        selectors.batch(batch.batch_id)
    services.batch_reached(batch.batch_id, METADATA.name)
    assert Batch.objects.get().state == Batch.State.DONE
