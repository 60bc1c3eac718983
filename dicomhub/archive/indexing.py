"""Take a batch into the database.

Index workers run side by side, and get batches twice and in any order: rows are locked first
(dicomhub.archive.locking) and looked at afterwards, the newest header wins, and counts are counted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from django.db import transaction

from dicomhub.archive.attributes import assign_patient, assign_series, assign_study, is_newer
from dicomhub.archive.batches import describe
from dicomhub.archive.incoming import (
    IncomingSeries,
    PatientKey,
    StudyKey,
    incoming_series,
    newest_by_study,
    patient_key,
)
from dicomhub.archive.locking import (
    NO_PATIENT_YET,
    lock_batch,
    lock_patients,
    lock_series,
    lock_studies,
    save_locked,
)
from dicomhub.archive.models import Batch, Patient, Series, Study
from dicomhub.archive.name_words import index_name_words
from dicomhub.archive.totals import (
    remove_empty_series,
    remove_patients_without_studies,
    total_studies,
)
from dicomhub.archive.typed_value import DataSetModel, list_text, list_values
from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.storage.layout import SeriesKey
from dicomhub.tenants.models import Tenant
from dicomhub.tenants.services import ensure_tenant
from tasks.messages import InstanceBatch, StoredInstance
from tasks.route import INDEX


def index_batch(
    batch: InstanceBatch, *, headers: Mapping[SeriesKey, DataSetModel], store: FilesystemStore
) -> None:
    """Make or bring up to date the patients, studies and series of a batch. The second time: nothing.

    headers has the DICOM JSON Model of the newest instance of each series in the batch.
    """
    incoming = incoming_series(replace(batch, instances=_still_there(batch, store)), headers)
    with transaction.atomic():
        row = lock_batch(batch.batch_id)
        if row.indexed_at is not None:
            return
        _ensure_tenants({series.key.tenant for series in incoming})
        newest = newest_by_study(incoming)
        studies = lock_studies(newest)
        left_patients = _assign_studies(studies, newest)
        series = lock_series((series.key for series in incoming), studies)
        _assign_series(series, incoming, store)
        held = remove_empty_series(series.values())
        left_patients |= total_studies(studies.values())
        remove_patients_without_studies(left_patients)
        _record(row, batch, held)


def _still_there(batch: InstanceBatch, store: FilesystemStore) -> tuple[StoredInstance, ...]:
    """A batch may come again, or late: what was deleted since makes no rows and changes none."""
    return tuple(instance for instance in batch.instances if store.absolute(instance.path).exists())


def _ensure_tenants(names: set[str]) -> None:
    known = set(Tenant.objects.filter(name__in=names).values_list("name", flat=True))
    for name in sorted(names - known):
        ensure_tenant(name)


def _assign_studies(studies: dict[StudyKey, Study], newest: dict[StudyKey, IncomingSeries]) -> set[int]:
    """Give studies the attributes and patients of newer headers. Returns the patients that studies left."""
    newer = {key: series for key, series in newest.items() if is_newer(series.received_at, studies[key])}
    destinations = {key: patient_key(key, series.header) for key, series in newer.items()}
    # Of all studies: one that turns out to be empty leaves its patient, too.
    current = Patient.objects.filter(pk__in=[study.patient_id for study in studies.values()])
    departures = {PatientKey(*key) for key in current.values_list("tenant_id", "key")}
    patients = lock_patients({*destinations.values(), *departures})
    left = set()
    for key, series in newer.items():
        study, patient = studies[key], patients[destinations[key]]
        if study.patient_id not in (patient.pk, NO_PATIENT_YET):
            left.add(study.patient_id)
        study.patient = patient
        assign_study(study, series.header, series.received_at)
        if is_newer(series.received_at, patient):
            assign_patient(patient, series.header, series.received_at)
    save_locked(Patient, [*patients.values()])
    index_name_words(patients.values())
    return left


def _assign_series(
    rows: dict[SeriesKey, Series], incoming: list[IncomingSeries], store: FilesystemStore
) -> None:
    for series in incoming:
        row = rows[series.key]
        if is_newer(series.received_at, row):
            assign_series(row, series.header, series.received_at)
        row.sop_class_uids = list_text(sorted({*list_values(row.sop_class_uids), *series.sop_class_uids}))
        extent = store.series_extent(*series.key)
        row.number_of_instances = extent.number_of_instances
        row.size_bytes = extent.size_bytes
        row.revision += 1
    save_locked(Series, [*rows.values()])


def _record(row: Batch, batch: InstanceBatch, series: Iterable[Series]) -> None:
    row.state = Batch.State.RUNNING
    row.stage = INDEX.name
    row.error = ""
    describe(row, batch)
    row.indexed_at = datetime.now(UTC)
    row.save()
    row.series.set(series)
