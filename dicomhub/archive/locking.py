"""Rows made or locked, in one order, so that index workers never wait for each other in a circle.

The order is: the batch, tenants, then all studies by key, then all patients by key, then all series by key.
It is why a new study is inserted before its patient is known (foreign keys are checked at the commit): which
patients to lock, those that a study leaves among them, can only be told from studies that nobody else can
move any more.

Inserting with ON CONFLICT DO UPDATE makes or locks a row in one step, and several in the order given.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from django.db.models import Model, QuerySet

from dicomhub.archive.incoming import PatientKey, StudyKey, study_of
from dicomhub.archive.models import Batch, Patient, Series, Study
from dicomhub.storage.layout import SeriesKey

NO_PATIENT_YET = 0
M = TypeVar("M", bound=Model)


def lock_batch(batch_id: str) -> Batch:
    _make_or_lock(Batch, [Batch(batch_id=batch_id)], "batch_id")
    return Batch.objects.get(pk=batch_id)


def lock_studies(keys: Iterable[StudyKey]) -> dict[StudyKey, Study]:
    """The caller gives studies whose patient_id is NO_PATIENT_YET a patient before the commit."""
    rows = [
        Study(
            tenant_id=key.tenant,
            study_instance_uid=key.study_instance_uid,
            patient_id=NO_PATIENT_YET,
            revision=revision_at(datetime.now(UTC)),
        )
        for key in sorted(keys)
    ]
    _make_or_lock(Study, rows, "tenant", "study_instance_uid")
    locked = Study.objects.filter(pk__in=[row.pk for row in rows])
    return {StudyKey(study.tenant_id, study.study_instance_uid): study for study in locked}


def lock_patients(keys: Iterable[PatientKey]) -> dict[PatientKey, Patient]:
    rows = [Patient(tenant_id=key.tenant, key=key.key) for key in sorted(keys)]
    _make_or_lock(Patient, rows, "tenant", "key")
    locked = Patient.objects.filter(pk__in=[row.pk for row in rows])
    return {PatientKey(patient.tenant_id, patient.key): patient for patient in locked}


def lock_series(keys: Iterable[SeriesKey], studies: dict[StudyKey, Study]) -> dict[SeriesKey, Series]:
    rows = [
        Series(
            tenant_id=key.tenant,
            study=studies[study_of(key)],
            series_instance_uid=key.series_instance_uid,
            revision=revision_at(datetime.now(UTC)),
        )
        for key in sorted(keys)
    ]
    _make_or_lock(Series, rows, "study", "series_instance_uid")
    uids = {study.pk: study.study_instance_uid for study in studies.values()}
    locked = Series.objects.filter(pk__in=[row.pk for row in rows])
    return {
        SeriesKey(series.tenant_id, uids[series.study_id], series.series_instance_uid): series
        for series in locked
    }


def revision_at(moment: datetime) -> int:
    """Where a row that is made then begins: in milliseconds, so that what comes again after it was deleted
    goes on above what it had before.
    """
    return int(moment.timestamp() * 1000)


def save_locked(model: type[M], rows: Sequence[M]) -> None:
    """Write rows that are locked, whole, in one statement: each conflicts with itself and is updated."""
    fields = [field.name for field in model._meta.concrete_fields if not field.primary_key]  # noqa: SLF001 - Django's documented way to a model's fields
    every: QuerySet[M] = QuerySet(model)
    every.bulk_create(rows, update_conflicts=True, unique_fields=["pk"], update_fields=fields)


def _make_or_lock(model: type[M], rows: Sequence[M], *unique_fields: str) -> None:
    every: QuerySet[M] = QuerySet(model)
    every.bulk_create(rows, update_conflicts=True, unique_fields=unique_fields, update_fields=["updated_at"])
