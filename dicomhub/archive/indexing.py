"""Take a batch into the database.

Index workers run side by side, and get batches twice and in any order: rows are locked first
(dicomhub.archive.locking) and looked at afterwards, the newest header wins, and counts are counted.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Sum

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
from dicomhub.archive.typed_value import DataSetModel, list_text, list_values
from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.storage.layout import SeriesKey
from dicomhub.tenants.models import Tenant
from dicomhub.tenants.services import ensure_tenant
from tasks.messages import InstanceBatch
from tasks.route import INDEX


def index_batch(
    batch: InstanceBatch, *, headers: Mapping[SeriesKey, DataSetModel], store: FilesystemStore
) -> None:
    """Make or bring up to date the patients, studies and series of a batch. The second time: nothing.

    headers has the DICOM JSON Model of the newest instance of each series in the batch.
    """
    incoming = incoming_series(batch, headers)
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
        _total(studies.values())
        _delete_without_studies(left_patients)
        _record(row, batch, series.values())


def _ensure_tenants(names: set[str]) -> None:
    known = set(Tenant.objects.filter(name__in=names).values_list("name", flat=True))
    for name in sorted(names - known):
        ensure_tenant(name)


def _assign_studies(studies: dict[StudyKey, Study], newest: dict[StudyKey, IncomingSeries]) -> set[int]:
    """Give studies the attributes and patients of newer headers. Returns the patients that studies left."""
    newer = {key: series for key, series in newest.items() if is_newer(series.received_at, studies[key])}
    destinations = {key: patient_key(key, series.header) for key, series in newer.items()}
    current = Patient.objects.filter(pk__in=[studies[key].patient_id for key in newer])
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


def _total(studies: Iterable[Study]) -> None:
    """Derive from their series what studies say of them, and save the studies."""
    by_id = {study.pk: study for study in studies}
    of_studies = Series.objects.filter(study__in=by_id)
    totals = of_studies.values("study_id").annotate(
        series=Count("id"), instances=Sum("number_of_instances"), size=Sum("size_bytes")
    )
    for total in totals:
        study = by_id[total["study_id"]]
        study.number_of_series = total["series"]
        study.number_of_instances = total["instances"]
        study.size_bytes = total["size"]
        study.revision += 1
    modalities: dict[int, set[str]] = {pk: set() for pk in by_id}
    sop_classes: dict[int, set[str]] = {pk: set() for pk in by_id}
    for pk, modality, uids in of_studies.values_list("study_id", "modality", "sop_class_uids").distinct():
        modalities[pk] |= {modality} - {""}
        sop_classes[pk].update(list_values(uids))
    for pk, study in by_id.items():
        study.modalities_in_study = list_text(sorted(modalities[pk]))
        study.sop_classes_in_study = list_text(sorted(sop_classes[pk]))
    save_locked(Study, [*by_id.values()])


def _delete_without_studies(patient_ids: set[int]) -> None:
    """These patients are locked: whoever wants to give one of them a study waits, and makes it anew."""
    if patient_ids:
        without_studies = ~Exists(Study.objects.filter(patient=OuterRef("pk")))
        Patient.objects.filter(without_studies, pk__in=patient_ids).delete()


def _record(row: Batch, batch: InstanceBatch, series: Iterable[Series]) -> None:
    row.state = Batch.State.RUNNING
    row.stage = INDEX.name
    row.error = ""
    describe(row, batch)
    row.indexed_at = datetime.now(UTC)
    row.save()
    row.series.set(series)
