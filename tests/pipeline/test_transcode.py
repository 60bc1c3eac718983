"""The transcode stage with a real worker and real codec processes: what has a rendition, and what has not."""

import shutil
from collections import Counter

import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid

from dicomhub.archive.models import Batch
from dicomhub.storage.layout import RENDITIONS
from dicomhub.transcoding import services
from dicomhub.transcoding.models import TranscodeAttempt, TranscodePolicy, UnrenderedInstance
from tasks.messages import InstanceBatch
from tasks.publish import publish_batch
from tasks.route import SWEEP_TASK
from tasks.transcode.freshness import fresh_rendition
from tests.support.compressed_series import write_compressed_series
from tests.support.receiving import receive
from tests.support.samples import sample
from tests.support.waiting import wait_until
from tests.transcode import bad_decoders
from tests.transcode.bad_decoders import ABORT, EAT, HANG

NATIVE = "1.2.840.10008.1.2.1"
COMPRESSED = (
    "JPEG-LL.dcm",
    "MR_small_RLE.dcm",
    "MR_small_jp2klossless.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "SC_rgb_jpeg_gdcm.dcm",
    "SC_rgb_rle_2frame.dcm",
    "emri_small_jpeg_ls_lossless.dcm",
)


@pytest.fixture
def _viewers_decode_native_only(transactional_db):
    TranscodePolicy.objects.create(tenant_id="default", viewer_transfer_syntaxes=[NATIVE])


pytestmark = pytest.mark.usefixtures("_viewers_decode_native_only")


@pytest.fixture
def variables(variables, tmp_path):
    """Codec processes of which one hangs soon, with a decoder that misbehaves."""
    log = tmp_path / "decoded"
    log.touch()
    return variables | {
        "CODEC_MODULES": bad_decoders.__name__,
        "CODEC_SECONDS": "3",
        "CODEC_MEMORY_BYTES": str(256 * 1024**2),
        "CODEC_PROCESSES": "2",
        "TRANSCODE_RUN_SECONDS": "1",
        "DECODED_LOG": str(log),
    }


def copy(name, folder, **attributes):
    """A sample under a SOP Instance UID of its own."""
    data_set = pydicom.dcmread(sample(name))
    data_set.SOPInstanceUID = data_set.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    for keyword, value in attributes.items():
        setattr(data_set, keyword, value)
    folder.mkdir(exist_ok=True)
    path = folder / f"{data_set.SOPInstanceUID}.dcm"
    data_set.save_as(path)
    return path


def receive_batch(intake, paths):
    instances = [receive(intake, path).instance for path in paths]
    intake.cut()
    return instances


def wait_until_done(seconds=90):
    wait_until(
        lambda: Batch.objects.exists() and not Batch.objects.exclude(state=Batch.State.DONE).exists(),
        what="every batch has passed every stage",
        seconds=seconds,
    )


def rendition(store, instance):
    return fresh_rendition(store, instance.path, NATIVE)


def renditions(store):
    """What tells each file that is there."""
    found = (store.root / RENDITIONS).rglob("*.dcm")
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in found}


def test_every_compressed_instance_gets_a_rendition_with_the_same_pixels(
    worker, intake, dispatcher, tmp_path
):
    sources = [copy(name, tmp_path / "in") for name in COMPRESSED]
    instances = receive_batch(intake, [*sources, sample("CT_small.dcm"), sample("test-SR.dcm")])
    dispatcher.publish_pending()
    wait_until_done()
    for path, instance in zip(sources, instances, strict=False):
        rendered = pydicom.dcmread(rendition(intake.store, instance))
        assert rendered.file_meta.TransferSyntaxUID == NATIVE
        assert rendered.SOPInstanceUID == instance.sop_instance_uid
        assert np.array_equal(rendered.pixel_array, pydicom.dcmread(path).pixel_array), path
    assert len(renditions(intake.store)) == len(COMPRESSED)
    attempts = TranscodeAttempt.objects.all()
    assert {attempt.outcome for attempt in attempts} == {"rendered"}
    assert all(attempt.proved_with for attempt in attempts)
    assert {attempt.batch for attempt in attempts} == {Batch.objects.get().batch_id}
    assert not UnrenderedInstance.objects.exists()


def test_what_has_a_rendition_is_not_decoded_again_until_it_is_replaced(
    worker, intake, dispatcher, app, tmp_path
):
    paths = write_compressed_series(tmp_path / "in", instances=6)
    first = receive_batch(intake, paths[:3])
    dispatcher.publish_pending()
    wait_until_done()
    before = renditions(intake.store)
    whole = InstanceBatch(batch_id="whole", instances=(*first, *receive_batch(intake, paths[3:])))
    for _ in range(3):
        publish_batch(app, whole)
    wait_until(lambda: len(renditions(intake.store)) == 6, what="all are rendered")
    dispatcher.publish_pending()
    wait_until_done()
    after = renditions(intake.store)
    assert before.items() <= after.items()
    assert TranscodeAttempt.objects.count() == 6
    old = rendition(intake.store, first[0])
    kept = shutil.copy2(old, tmp_path / "old")
    data_set = pydicom.dcmread(paths[0])
    data_set.PatientName = "Corrected"
    data_set.save_as(paths[0])
    receive_batch(intake, paths[:1])
    assert not old.exists()
    shutil.copy2(kept, old)  # as if its remover had been killed
    assert rendition(intake.store, first[0]) is None
    dispatcher.publish_pending()
    new = wait_until(lambda: rendition(intake.store, first[0]), what="the new one has a rendition")
    assert pydicom.dcmread(new).PatientName == "Corrected"
    wait_until_done()
    assert TranscodeAttempt.objects.count() == 7


def test_bad_codecs_cost_their_instances_a_decoder_and_the_others_nothing(
    worker, intake, dispatcher, variables, tmp_path
):
    bad = write_compressed_series(tmp_path / "bad", instances=3)
    for path, deed in zip(bad, (HANG, ABORT, EAT), strict=True):
        bad_decoders.burden_files([path], deed)
    good = write_compressed_series(tmp_path / "good", instances=10)
    instances = receive_batch(intake, [*good[:5], *bad, *good[5:]])
    dispatcher.publish_pending()
    wait_until_done()
    assert all(rendition(intake.store, instance) for instance in instances), "the next decoder reads them"
    failed = TranscodeAttempt.objects.exclude(outcome="rendered")
    assert Counter(failed.values_list("codec", "outcome")) == {
        (bad_decoders.NAME, outcome): 1 for outcome in ("timeout", "crashed", "out_of_memory")
    }
    assert not UnrenderedInstance.objects.exists()
    assert Batch.objects.get().attempts == 1, "runs that end in time are no failures"


def test_what_no_decoder_reads_is_given_up_once_and_tried_again_when_that_is_asked_for(
    worker, intake, dispatcher, app, tmp_path
):
    paths = write_compressed_series(tmp_path / "in", instances=2)
    data_set = pydicom.dcmread(paths[0])
    data_set.PixelData = data_set.PixelData[:40] + bytes(len(data_set.PixelData) - 40)
    data_set.save_as(paths[0])
    broken, whole = receive_batch(intake, paths)
    dispatcher.publish_pending()
    wait_until_done()
    assert rendition(intake.store, whole)
    row = UnrenderedInstance.objects.get()
    assert (row.sop_instance_uid, row.state) == (broken.sop_instance_uid, "given up")
    assert row.reason
    tries = row.attempts
    assert tries == len(row.tried) > 1
    publish_batch(app, InstanceBatch(batch_id="again", instances=(broken, whole)))
    wait_until_done()
    assert TranscodeAttempt.objects.filter(sop_instance_uid=broken.sop_instance_uid).count() == tries
    services.request_retry(UnrenderedInstance.objects.all())
    app.send_task(SWEEP_TASK)
    wait_until(lambda: UnrenderedInstance.objects.get().attempts == 2 * tries, what="it is tried again")
    assert UnrenderedInstance.objects.get().state == "given up"
