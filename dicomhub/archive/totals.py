"""What rows say of what lies below them, derived anew; and rows that hold nothing any more go.

Every row that is given or reached here is locked by the caller (dicomhub.archive.locking).
"""

from collections.abc import Iterable

from django.db.models import Count, Exists, OuterRef, Sum

from dicomhub.archive.locking import save_locked
from dicomhub.archive.models import Patient, Series, Study
from dicomhub.archive.typed_value import list_text, list_values


def remove_empty_series(series: Iterable[Series]) -> list[Series]:
    """Of counted series, remove those without an instance. Returns the others."""
    series = list(series)
    empty = [row.pk for row in series if not row.number_of_instances]
    if empty:
        Series.objects.filter(pk__in=empty).delete()
    return [row for row in series if row.number_of_instances]


def total_studies(studies: Iterable[Study]) -> set[int]:
    """Derive from their series what studies say of them; those without a series are removed.

    Returns the patients of the removed ones.
    """
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
    modalities: dict[int, set[str]] = {}
    sop_classes: dict[int, set[str]] = {}
    for pk, modality, uids in of_studies.values_list("study_id", "modality", "sop_class_uids").distinct():
        modalities.setdefault(pk, set()).update({modality} - {""})
        sop_classes.setdefault(pk, set()).update(list_values(uids))
    held = [study for pk, study in by_id.items() if pk in modalities]
    for study in held:
        study.modalities_in_study = list_text(sorted(modalities[study.pk]))
        study.sop_classes_in_study = list_text(sorted(sop_classes[study.pk]))
    save_locked(Study, held)
    empty = by_id.keys() - modalities.keys()
    if empty:
        Study.objects.filter(pk__in=empty).delete()
    return {by_id[pk].patient_id for pk in empty}


def remove_patients_without_studies(patient_ids: set[int]) -> None:
    """These patients are locked: whoever wants to give one of them a study waits, and makes it anew."""
    if patient_ids:
        without_studies = ~Exists(Study.objects.filter(patient=OuterRef("pk")))
        Patient.objects.filter(without_studies, pk__in=patient_ids).delete()
