"""Everything that writes to the transcoding tables."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from dicomhub.archive.typed_value import clean_text
from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.transcoding.models import TranscodeAttempt, UnrenderedInstance
from tasks.transcode.candidate import Candidate, Report, Status
from tasks.transcode.orders import Outcome

_REASON_MAX_LENGTH = 2000
_PRUNED_AT_ONCE = 1000
_STATES = {
    Status.DUE: UnrenderedInstance.State.DUE,
    Status.GIVEN_UP: UnrenderedInstance.State.GIVEN_UP,
}


def record(reports: Sequence[Report], *, batch: str = "") -> None:
    """Log the attempts, and note what could not be rendered and what no longer is so. batch is "" outside of one."""
    with transaction.atomic():
        TranscodeAttempt.objects.bulk_create(_attempts(reports, batch))
        UnrenderedInstance.objects.bulk_create(
            [_unrendered(report) for report in reports if report.status in _STATES and report.attempts],
            update_conflicts=True,
            unique_fields=("tenant", "study_instance_uid", "series_instance_uid", "sop_instance_uid"),
            update_fields=_UPDATED,
        )
        settled = [report.candidate for report in reports if report.status not in {*_STATES, Status.KNOWN}]
        _forget([candidate for candidate in settled if candidate.earlier is not None])


def request_retry(rows: "QuerySet[UnrenderedInstance]") -> int:
    """Have instances tried again with every decoder. Returns how many."""
    return rows.update(state=UnrenderedInstance.State.RETRY, tried=[], updated_at=datetime.now(UTC))


def prune_attempts(before: datetime) -> int:
    """Forget attempts that were made before that time. Returns how many."""
    old = TranscodeAttempt.objects.filter(at__lt=before).order_by("at")
    pruned = 0
    while ids := list(old.values_list("pk", flat=True)[:_PRUNED_AT_ONCE]):
        TranscodeAttempt.objects.filter(pk__in=ids).delete()
        pruned += len(ids)
    return pruned
