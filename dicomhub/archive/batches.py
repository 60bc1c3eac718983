"""How a batch moves through the pipeline, as its stages report it."""

from datetime import UTC, datetime

from django.db import transaction
from django.db.models import F

from dicomhub.archive.models import Batch
from dicomhub.archive.typed_value import clean_json, clean_text
from tasks.messages import InstanceBatch, batch_to_message
from tasks.route import RECEIVED, STAGES, stages_after

_ERROR_MAX_LENGTH = 10_000
_PRUNED_AT_ONCE = 1000
_STAGES = [RECEIVED, *(stage.name for stage in STAGES)]


def accept_batch(batch: InstanceBatch) -> None:
    """Keep the manifest, so that the batch can be driven on from here. A known batch stays as it is."""
    row = Batch(batch_id=batch.batch_id)
    describe(row, batch)
    Batch.objects.bulk_create([row], ignore_conflicts=True)


def describe(row: Batch, batch: InstanceBatch) -> None:
    row.manifest = clean_json(batch_to_message(batch))
    row.number_of_instances = len(batch.instances)
    row.size_bytes = sum(instance.size_bytes for instance in batch.instances)
    row.received_at = min(instance.received_at for instance in batch.instances)


def batch_reached(batch_id: str, stage: str) -> None:
    """The batch has passed this stage. A stage that reports late, or twice, changes nothing.

    Nobody needs the manifest once the last stage is passed.
    """
    now = datetime.now(UTC)
    passed = Batch.objects.filter(pk=batch_id, stage__in=stages_before(stage))
    if stages_after(stage):
        passed.update(stage=stage, state=Batch.State.RUNNING, error="", updated_at=now)
    else:
        passed.update(
            stage=stage, state=Batch.State.DONE, error="", manifest=None, finished_at=now, updated_at=now
        )


def batch_failed(batch_id: str, stage: str, error: str) -> None:
    """This stage has failed. That is no news when another delivery of the same message has passed it."""
    Batch.objects.filter(pk=batch_id, stage__in=stages_before(stage)).update(
        state=Batch.State.FAILED,
        error=clean_text(error)[:_ERROR_MAX_LENGTH],
        updated_at=datetime.now(UTC),
    )


def batch_alive(batch_id: str) -> None:
    """A stage is at work on it: no news is not to be taken for a lost message."""
    Batch.objects.filter(pk=batch_id).update(updated_at=datetime.now(UTC))


def batch_resumed(batch_id: str) -> None:
    """The batch is published again, from the stage that it has reached. One that is done stays done."""
    Batch.objects.filter(pk=batch_id).exclude(state=Batch.State.DONE).update(
        state=Batch.State.RUNNING, attempts=F("attempts") + 1, updated_at=datetime.now(UTC)
    )


def prune_batches(before: datetime) -> int:
    """Forget batches that were done before that time. Returns how many."""
    done = Batch.objects.filter(state=Batch.State.DONE, finished_at__lt=before).order_by("finished_at")
    pruned = 0
    while batch_ids := list(done.values_list("pk", flat=True)[:_PRUNED_AT_ONCE]):
        with transaction.atomic():
            Batch.objects.filter(pk__in=batch_ids).delete()
        pruned += len(batch_ids)
    return pruned


def stages_before(stage: str) -> list[str]:
    """What a batch may have reached that has not passed this stage."""
    return _STAGES[: _STAGES.index(stage)]
