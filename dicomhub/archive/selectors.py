"""Everything that reads the archive's tables for others."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from django.db.models import F, Q, QuerySet

from dicomhub.archive.batches import stages_before
from dicomhub.archive.incoming import key_of
from dicomhub.archive.match_rules import MatchInvalid
from dicomhub.archive.matching import MatchUnsupported
from dicomhub.archive.models import Batch, Series, Study
from dicomhub.archive.row_model import series_model, study_model
from dicomhub.archive.search import MATCHED, series_matching, studies_matching
from dicomhub.storage.layout import SeriesKey
from tasks.messages import InstanceBatch, StoredInstance, batch_from_message
from tasks.route import LOAD, METADATA, STAGES

__all__ = [
    "MATCHED",
    "MatchInvalid",
    "MatchUnsupported",
    "batch",
    "batch_indexed_at",
    "first_series",
    "series",
    "series_by_uids",
    "series_matching",
    "series_model",
    "series_of_batch",
    "series_of_study",
    "stale_series",
    "stuck_batches",
    "studies_by_uids",
    "studies_matching",
    "studies_of_batch",
    "studies_with_uids",
    "study",
    "study_model",
    "unmerged_instances",
]

FIRST_RETRY = timedelta(seconds=30)
LAST_RETRY = timedelta(hours=1)
MAX_ATTEMPTS = 20
_UIDS_A_STATEMENT = 1000
# What a batch has passed that only the warehouse's spool keeps from being done: its disk is full, say. That
# is no fault of the batch, and takes as long as it takes.
_BEFORE_LOAD = STAGES[STAGES.index(LOAD) - 1].name
# The sweeper looks whether the queue is empty before it takes a silent batch for lost (tasks.pipeline.sweep).
NO_NEWS = timedelta(minutes=1)


def study(tenant: str, study_uid: str) -> Study:
    """Raises Study.DoesNotExist."""
    return Study.objects.select_related("patient").get(tenant=tenant, study_instance_uid=study_uid)


def studies_with_uids(study_uids: Iterable[str]) -> QuerySet[Study]:
    """Of all tenants."""
    return Study.objects.filter(study_instance_uid__in=study_uids)


def series(tenant: str, study_uid: str, series_uid: str) -> Series:
    """Raises Series.DoesNotExist."""
    return Series.objects.select_related("study__patient").get(
        tenant=tenant, study__study_instance_uid=study_uid, series_instance_uid=series_uid
    )


def series_by_uids(tenant: str, uids: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Series]:
    """The tenant's series by the UIDs of study and series, as many as there are of those asked for."""
    wanted = set(uids)
    found: dict[tuple[str, str], Series] = {}
    series_uids = sorted({series_uid for _, series_uid in wanted})
    for first in range(0, len(series_uids), _UIDS_A_STATEMENT):
        some = series_uids[first : first + _UIDS_A_STATEMENT]
        rows = Series.objects.filter(tenant=tenant, series_instance_uid__in=some)
        for row in rows.select_related("study__patient"):
            found[row.study.study_instance_uid, row.series_instance_uid] = row
    return {uid: row for uid, row in found.items() if uid in wanted}


def studies_by_uids(tenant: str, uids: Iterable[str]) -> dict[str, Study]:
    """The tenant's studies by their UIDs, as many as there are of those asked for."""
    wanted = sorted(set(uids))
    found: dict[str, Study] = {}
    for first in range(0, len(wanted), _UIDS_A_STATEMENT):
        some = wanted[first : first + _UIDS_A_STATEMENT]
        rows = Study.objects.filter(tenant=tenant, study_instance_uid__in=some).select_related("patient")
        found |= {row.study_instance_uid: row for row in rows}
    return found


def first_series(studies: Iterable[Study]) -> dict[int, Series]:
    """The first series of each study by its number, by the study's key."""
    wanted = [study.pk for study in studies]
    first: dict[int, Series] = {}
    for start in range(0, len(wanted), _UIDS_A_STATEMENT):
        rows = Series.objects.filter(study__in=wanted[start : start + _UIDS_A_STATEMENT])
        for row in sorted(rows.select_related("study__patient"), key=_number_and_uid, reverse=True):
            first[row.study_id] = row
    return first


def series_of_study(tenant: str, study_uid: str) -> list[Series]:
    """In the order of their numbers, those without one last; none when there is no such study."""
    found = Series.objects.filter(tenant=tenant, study__study_instance_uid=study_uid)
    return sorted(found.select_related("study__patient"), key=_number_and_uid)


def _number_and_uid(row: Series) -> tuple[bool, int, str]:
    return row.series_number is None, row.series_number or 0, row.series_instance_uid


def batch(batch_id: str) -> InstanceBatch:
    """The batch as it was published. Raises Batch.DoesNotExist also for one whose manifest was dropped."""
    manifest = Batch.objects.get(pk=batch_id, manifest__isnull=False).manifest
    assert manifest is not None
    return batch_from_message(manifest)


def batch_indexed_at(batch_id: str) -> datetime | None:
    """When the index stage has passed. Raises Batch.DoesNotExist."""
    return Batch.objects.only("indexed_at").get(pk=batch_id).indexed_at


def series_of_batch(batch_id: str) -> list[Series]:
    """The series that a batch has brought instances to, with their studies and patients."""
    return list(Series.objects.filter(batches=batch_id).select_related("study__patient"))


def studies_of_batch(batch_id: str) -> list[Study]:
    """The studies that a batch has brought instances to, in the order in which they are locked."""
    of_batch = Batch.series.through.objects.filter(batch=batch_id)
    studies = Study.objects.filter(pk__in=of_batch.values("series__study")).select_related("patient")
    return sorted(studies, key=lambda study: (study.tenant_name, study.study_instance_uid))


def stale_series(of_study: Study) -> list[Series]:
    """The study's series whose document is older than they are."""
    stale = of_study.series.filter(document_revision__lt=F("revision"))
    return sorted(stale.select_related("study__patient"), key=_number_and_uid)


def unmerged_instances(of_series: Series) -> list[StoredInstance]:
    """What batches that have not passed the metadata stage brought to this series, oldest first."""
    key = SeriesKey(of_series.tenant_name, of_series.study.study_instance_uid, of_series.series_instance_uid)
    of_batches = of_series.batches.filter(stage__in=stages_before(METADATA.name))
    manifests = of_batches.values_list("manifest", flat=True)
    instances = [
        instance
        for manifest in manifests
        if manifest is not None
        for instance in batch_from_message(manifest).instances
        if key_of(instance) == key
    ]
    return sorted(instances, key=lambda instance: (instance.received_at, instance.sop_instance_uid))


def stuck_batches(now: datetime | None = None) -> list[Batch]:
    """What has to be published again: batches without news for too long, the longest first.

    Those that failed are due after 30 seconds, those that went silent after a minute; each time after twice
    as long, up to an hour. After MAX_ATTEMPTS runs a batch waits for an operator, unless all that it lacks is
    the load stage: that one is tried every hour until it succeeds.
    """
    now = now or datetime.now(UTC)
    waiting = Batch.objects.filter(
        Q(attempts__lt=MAX_ATTEMPTS) | Q(stage=_BEFORE_LOAD),
        state__in=(Batch.State.RUNNING, Batch.State.FAILED),
        updated_at__lt=now - FIRST_RETRY,
        manifest__isnull=False,
    )
    return [row for row in waiting.defer("manifest").order_by("updated_at") if _is_due(row, now)]


def _is_due(row: Batch, now: datetime) -> bool:
    patience = FIRST_RETRY if row.state == Batch.State.FAILED else NO_NEWS
    doublings = min(max(row.attempts - 1, 0), MAX_ATTEMPTS)
    return row.updated_at < now - min(patience * (1 << doublings), LAST_RETRY)
