"""Bring a study's rows up to date with a store that instances were taken out of.

Locks are taken as the index stage takes them: the study, then patients by key, then series by key. Rows of
nothing that is left are removed; the attributes of the others are those of the newest instance that is left.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from dicomhub.archive.attributes import assign_patient, assign_series, assign_study
from dicomhub.archive.incoming import PatientKey, StudyKey, patient_key
from dicomhub.archive.locking import lock_patients, save_locked
from dicomhub.archive.models import Patient, Series, Study
from dicomhub.archive.totals import (
    remove_empty_series,
    remove_patients_without_studies,
    total_studies,
)
from dicomhub.archive.typed_value import DataSetModel, list_text
from dicomhub.storage.filesystem import FilesystemStore


class StudyChanged(Exception):
    """Another batch was indexed since the study was looked at: look again."""


@dataclass(frozen=True, slots=True)
class Remaining:
    """What a series still holds. header is its newest instance's, received at received_at."""

    header: DataSetModel
    received_at: datetime
    sop_class_uids: frozenset[str]


def recount_study(
    key: StudyKey,
    *,
    revision: int,
    series: Mapping[str, Remaining | None],
    newest: Remaining | None,
    store: FilesystemStore,
) -> None:
    """Recount the series given by UID, and the study at the revision that it had when they were looked at.

    newest is what the study's attributes are to be taken from, None: they stay. Raises StudyChanged.
    """
    with transaction.atomic():
        study = Study.objects.select_for_update().filter(**key._asdict()).first()
        if study is None:
            return
        if study.revision != revision:
            raise StudyChanged(key.study_instance_uid)
        left_patients = _assign_study(study, key, newest)
        rows = Series.objects.select_for_update().filter(study=study, series_instance_uid__in=series)
        held = remove_empty_series(_counted(rows.order_by("series_instance_uid"), key, series, store))
        save_locked(Series, held)
        left_patients |= total_studies([study])
        remove_patients_without_studies(left_patients)


def _assign_study(study: Study, key: StudyKey, newest: Remaining | None) -> set[int]:
    """Returns the patient that the study has left, if it has. The study's patient is locked in any case."""
    current = Patient.objects.get(pk=study.patient_id)
    here = PatientKey(key.tenant, current.key)
    destination = here if newest is None else patient_key(key, newest.header)
    patients = lock_patients({destination, here})
    if newest is None:
        return set()
    patient, left = patients[destination], {current.pk} - {patients[destination].pk}
    # Of the instance that the study had its own from, which may be the one that has gone.
    if patient.attributes_received_at in (None, study.attributes_received_at):
        assign_patient(patient, newest.header, newest.received_at)
        save_locked(Patient, [patient])
    study.patient = patient
    assign_study(study, newest.header, newest.received_at)
    return left


def _counted(
    rows: QuerySet[Series],
    key: StudyKey,
    series: Mapping[str, Remaining | None],
    store: FilesystemStore,
) -> list[Series]:
    counted = []
    for row in rows:
        remaining = series[row.series_instance_uid]
        if remaining is not None:
            assign_series(row, remaining.header, remaining.received_at)
            row.sop_class_uids = list_text(sorted(remaining.sop_class_uids))
        extent = store.series_extent(*key, row.series_instance_uid)
        row.number_of_instances, row.size_bytes = extent.number_of_instances, extent.size_bytes
        row.revision += 1
        counted.append(row)
    return counted
