"""Everything that writes to the transcoding tables."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import reduce
from operator import or_

from django.db import transaction
from django.db.models import Q, QuerySet

from dicomhub.archive.typed_value import clean_text
from dicomhub.transcoding.models import TranscodeAttempt, UnrenderedInstance
from tasks.transcode.candidate import Candidate, Report, Status

_REASON_MAX_LENGTH = 2000
_PRUNED_AT_ONCE = 1000
_SETTLED = frozenset((Status.KEPT, Status.FRESH, Status.RENDERED, Status.CHANGED))
_UNIQUE = ("tenant", "study_instance_uid", "series_instance_uid", "sop_instance_uid")
_UPDATED = [
    field.name
    for field in UnrenderedInstance._meta.concrete_fields  # noqa: SLF001 - Django's documented way to a model's fields
    if not field.primary_key and field.name not in _UNIQUE
]


def record(reports: Sequence[Report], *, batch: str = "") -> None:
    """Log the attempts; note what could not be rendered, and what no longer is so. "" is no batch."""
    failed = [report for report in reports if report.status in {Status.DUE, Status.GIVEN_UP}]
    settled = [report.candidate for report in reports if report.status in _SETTLED]
    with transaction.atomic():
        TranscodeAttempt.objects.bulk_create(_attempts(reports, batch))
        UnrenderedInstance.objects.bulk_create(
            [_unrendered(report, batch) for report in failed if report.attempts],
            update_conflicts=True,
            unique_fields=_UNIQUE,
            update_fields=_UPDATED,
        )
        if over := [candidate for candidate in settled if candidate.earlier is not None]:
            _rows_of(over).delete()
        # Nothing was left to be tried: the last attempt, and its reason, are of an earlier run.
        if hopeless := [r.candidate for r in failed if r.status is Status.GIVEN_UP and not r.attempts]:
            _rows_of(hopeless).update(state=UnrenderedInstance.State.GIVEN_UP, updated_at=datetime.now(UTC))


def request_retry(rows: "QuerySet[UnrenderedInstance]") -> int:
    """Have instances tried again with every decoder. Returns how many."""
    return rows.update(state=UnrenderedInstance.State.RETRY, tried={}, updated_at=datetime.now(UTC))


def forget_unrendered(rows: "Iterable[UnrenderedInstance]") -> None:
    """They are in the archive no more. The attempts stay in the log."""
    UnrenderedInstance.objects.filter(pk__in=[row.pk for row in rows]).delete()


def attempts_spooled(attempts: Iterable[TranscodeAttempt]) -> None:
    """Their rows are on their way to the warehouse."""
    TranscodeAttempt.objects.filter(pk__in=[attempt.pk for attempt in attempts]).update(is_spooled=True)


def prune_attempts(before: datetime) -> int:
    """Forget attempts that were made before that time. Returns how many."""
    old = TranscodeAttempt.objects.filter(at__lt=before).order_by("at")
    pruned = 0
    while ids := list(old.values_list("pk", flat=True)[:_PRUNED_AT_ONCE]):
        TranscodeAttempt.objects.filter(pk__in=ids).delete()
        pruned += len(ids)
    return pruned


def _attempts(reports: Iterable[Report], batch: str) -> list[TranscodeAttempt]:
    return [
        TranscodeAttempt(
            **_instance(report),
            at=attempt.at,
            batch=batch,
            attempt=attempt.number,
            codec=attempt.codec[:64],
            outcome=attempt.outcome,
            reason=clean_text(attempt.reason)[:_REASON_MAX_LENGTH],
            seconds=attempt.seconds,
            frames=attempt.frames,
            bytes_in=report.file.size_bytes if report.file else 0,
            bytes_out=attempt.size_bytes,
            proved_with=(attempt.proved_with or "")[:64],
        )
        for report in reports
        for attempt in report.attempts
    ]


def _unrendered(report: Report, batch: str) -> UnrenderedInstance:
    """Of a report with at least one attempt."""
    assert report.file is not None
    last = report.attempts[-1]
    return UnrenderedInstance(
        **_instance(report),
        codec=last.codec[:64],
        outcome=last.outcome,
        reason=clean_text(last.reason)[:_REASON_MAX_LENGTH],
        state=_state(report, batch),
        size_bytes=report.file.size_bytes,
        mtime_ns=report.file.mtime_ns,
        settings_key=report.candidate.settings.key,
        tried={codec: outcome.value for codec, outcome in report.tried.items()},
        attempts=last.number,
        updated_at=datetime.now(UTC),
    )


def _state(report: Report, batch: str) -> UnrenderedInstance.State:
    """Outside of a batch it is the retry that goes on with the decoders that are left."""
    if report.status is Status.GIVEN_UP:
        return UnrenderedInstance.State.GIVEN_UP
    return UnrenderedInstance.State.DUE if batch else UnrenderedInstance.State.RETRY


def _instance(report: Report) -> dict[str, str]:
    source = report.source
    return {
        **_named(report.candidate),
        "sop_class_uid": report.candidate.sop_class_uid,
        "manufacturer": clean_text(source.manufacturer)[:64] if source else "",
        "source_transfer_syntax_uid": source.transfer_syntax_uid
        if source
        else report.candidate.transfer_syntax_uid,
        "target_transfer_syntax_uid": report.plan.target if report.plan else "",
    }


def _named(candidate: Candidate) -> dict[str, str]:
    return {**candidate.key._asdict(), "sop_instance_uid": candidate.sop_instance_uid}


def _rows_of(candidates: Iterable[Candidate]) -> "QuerySet[UnrenderedInstance]":
    """Of at least one candidate."""
    return UnrenderedInstance.objects.filter(reduce(or_, (Q(**_named(one)) for one in candidates)))
