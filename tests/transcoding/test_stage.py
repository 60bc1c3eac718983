"""The transcode stage before it comes to a codec."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from celery import signals
from structlog.testing import capture_logs

from dicomhub.archive import selectors
from dicomhub.archive.models import Batch
from dicomhub.transcoding.models import TranscodePolicy
from dicomhub.transcoding.selectors import PolicyInvalid
from tasks.pipeline import heartbeat
from tasks.pipeline import transcode as stage
from tests.support.samples import sample
from tests.support.waiting import wait_until

NATIVE = "1.2.840.10008.1.2.1"


@pytest.fixture
def indexed(db, environment, settings):
    """A batch of one JPEG 2000 image that has come as far as this stage."""
    from tests.dicomweb.filling import Filling  # needs Django, which is set up after this file is read

    settings.ENVIRONMENT = environment
    filling = Filling(environment)
    instances = filling.archive(sample("MR_small_jp2klossless.dcm"))
    return filling.store.absolute(instances[0].path), filling.index(instances)


def test_of_what_viewers_decode_no_file_is_opened(indexed):
    path, batch_id = indexed
    path.unlink()
    stage.transcode(batch_id)
    assert Batch.objects.get().stage == "transcode"
    stage.transcode(batch_id)


def test_a_policy_that_cannot_be_gone_by_is_named(indexed):
    TranscodePolicy.objects.create(
        tenant_id="default", viewer_transfer_syntaxes=[NATIVE], target_transfer_syntax_uid="1.2.3"
    )
    with pytest.raises(PolicyInvalid, match=r"transcode policy of tenant 'default': 1\.2\.3 cannot be made"):
        stage.transcode(indexed[1])
    assert Batch.objects.get().state == "running"


def test_a_worker_says_at_its_start_which_policies_cannot_be_gone_by(db):
    assert stage.report_invalid_policies  # which listens
    TranscodePolicy.objects.create(tenant_id="default", viewer_transfer_syntaxes=["1.2.3"])
    with capture_logs() as lines:
        signals.worker_ready.send(sender=None)
    [said] = [line for line in lines if line["event"] == "transcode_policy_invalid"]
    assert (said["tenant"], said["log_level"]) == ("default", "error")
    assert "1.2.3" in said["error"]


@pytest.mark.django_db(transaction=True)
def test_a_stage_that_takes_its_time_is_not_taken_for_lost(monkeypatch):
    def silent_since(minutes):
        Batch.objects.update(updated_at=datetime.now(UTC) - timedelta(minutes=minutes))

    manifest = {"batch_id": "b", "instances": []}
    Batch.objects.create(batch_id="b", state=Batch.State.RUNNING, attempts=1, manifest=manifest)
    silent_since(minutes=5)
    assert selectors.stuck_batches()
    monkeypatch.setattr(heartbeat, "_SECONDS", 0.05)
    with heartbeat.heartbeat("b"):
        for _ in range(2):
            silent_since(minutes=5)
            wait_until(lambda: not selectors.stuck_batches(), what="the batch is told to live")
    assert "heartbeat" not in {thread.name for thread in threading.enumerate()}
