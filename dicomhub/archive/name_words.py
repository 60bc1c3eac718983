"""The words of patients' names, a row each, so that an index finds a patient by any of them.

A fuzzy search asks for the beginnings of words (person_name.word_patterns). In a column such a question reads
every name of the tenant; of words an index has the order.
"""

from collections import defaultdict
from collections.abc import Collection

from dicomhub.archive.models import Patient, PatientNameWord
from dicomhub.archive.person_name import words_of


def index_name_words(patients: Collection[Patient]) -> None:
    """Bring the words of these patients' names up to date. The caller has locked the patients."""
    known: defaultdict[int, set[str]] = defaultdict(set)
    of_patients = PatientNameWord.objects.filter(patient__in=[patient.pk for patient in patients])
    for patient_id, word in of_patients.values_list("patient_id", "word"):
        known[patient_id].add(word)
    changed = [patient for patient in patients if words_of(patient.patient_name_folded) != known[patient.pk]]
    if not changed:
        return
    PatientNameWord.objects.filter(patient__in=[patient.pk for patient in changed]).delete()
    PatientNameWord.objects.bulk_create(
        PatientNameWord(tenant_id=patient.tenant_id, patient=patient, word=word)
        for patient in changed
        for word in sorted(words_of(patient.patient_name_folded))
    )
