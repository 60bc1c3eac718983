"""Everything that reads the transcoding tables for others."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Count, QuerySet

from dicomhub.archive.models import Series
from dicomhub.storage.layout import SeriesKey
from dicomhub.transcoding.models import TranscodeAttempt, TranscodePolicy, UnrenderedInstance
from tasks.transcode.candidate import Earlier, FileState
from tasks.transcode.orders import Outcome
from tasks.transcode.settings import TranscodeSettings, TranscodeSettingsInvalid

InstanceKey = tuple[SeriesKey, str]


class PolicyInvalid(Exception):
    """A tenant's policy as the database has it cannot be gone by: it was written past the admin."""

    def __init__(self, tenant: str, problem: str) -> None:
        super().__init__(f"transcode policy of tenant {tenant!r}: {problem}")
        self.tenant = tenant


def attempts_to_spool(at_most: int) -> list[TranscodeAttempt]:
    """Attempts of which the warehouse is not told yet, oldest first."""
    return list(TranscodeAttempt.objects.filter(is_spooled=False).order_by("id")[:at_most])


def settings_by_tenant(tenants: Iterable[str]) -> Mapping[str, TranscodeSettings]:
    """Raises PolicyInvalid."""
    names = set(tenants)
    policies = {policy.tenant_id: policy for policy in TranscodePolicy.objects.filter(pk__in=names)}
    return {name: _settings(policies.get(name)) for name in names}


def _settings(policy: TranscodePolicy | None) -> TranscodeSettings:
    if policy is None:
        return TranscodeSettings()
    try:
        return policy.settings()
    except TranscodeSettingsInvalid as invalid:
        raise PolicyInvalid(policy.tenant_id, str(invalid)) from invalid


def invalid_policies() -> list[PolicyInvalid]:
    problems = []
    for policy in TranscodePolicy.objects.all():
        try:
            _settings(policy)
        except PolicyInvalid as invalid:
            problems.append(invalid)
    return problems


def earlier_tries(keys: Iterable[SeriesKey]) -> dict[InstanceKey, Earlier]:
    """What is known of instances of these series that have no rendition."""
    wanted = set(keys)
    rows = UnrenderedInstance.objects.filter(
        tenant__in={key.tenant for key in wanted},
        study_instance_uid__in={key.study_instance_uid for key in wanted},
        series_instance_uid__in={key.series_instance_uid for key in wanted},
    )
    return {instance_key(row): earlier_of(row) for row in rows if instance_key(row)[0] in wanted}


def instance_key(row: UnrenderedInstance) -> InstanceKey:
    return SeriesKey(row.tenant, row.study_instance_uid, row.series_instance_uid), row.sop_instance_uid


def earlier_of(row: UnrenderedInstance) -> Earlier:
    return Earlier(
        file=FileState(size_bytes=row.size_bytes, mtime_ns=row.mtime_ns),
        settings_key=row.settings_key,
        tried={codec: Outcome(outcome) for codec, outcome in row.tried.items()},
        attempts=row.attempts,
        is_given_up=row.state == UnrenderedInstance.State.GIVEN_UP,
    )


def awaiting_retry() -> "QuerySet[UnrenderedInstance]":
    """What an operator wants to be tried again, series by series."""
    rows = UnrenderedInstance.objects.filter(state=UnrenderedInstance.State.RETRY)
    return rows.order_by("tenant", "study_instance_uid", "series_instance_uid", "sop_instance_uid")


def attempts_counted(by: Sequence[str], *, since: datetime, tenant: str = "") -> list[dict[str, Any]]:
    """The number of attempts since then for each outcome, and for each value of the fields in by, ordered."""
    rows = TranscodeAttempt.objects.filter(at__gte=since)
    rows = rows.filter(tenant=tenant) if tenant else rows
    return list(rows.order_by(*by).values(*by, "outcome").annotate(number=Count("pk")))


def unrendered_counted(by: Sequence[str], *, tenant: str = "") -> list[dict[str, Any]]:
    """The number of instances without a rendition for each value of the fields in by, ordered."""
    rows = UnrenderedInstance.objects.filter(tenant=tenant) if tenant else UnrenderedInstance.objects.all()
    return list(rows.order_by(*by).values(*by).annotate(number=Count("pk")))


def series_matching(*, tenant: str = "", study: str = "", series: str = "") -> "QuerySet[Series]":
    """Series of the archive by tenant, Study and Series Instance UID; "" is any."""
    conditions = {
        "tenant": tenant,
        "study__study_instance_uid": study,
        "series_instance_uid": series,
    }
    wanted = {name: value for name, value in conditions.items() if value}
    return Series.objects.filter(**wanted).select_related("study").order_by("tenant", "study", "pk")
