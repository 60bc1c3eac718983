"""What the index stage makes of batches."""

from itertools import permutations

import pytest

from dicomhub.archive import selectors
from dicomhub.archive.models import Batch, Patient, Series, Study
from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.tenants.models import Tenant
from tests.archive.building import SERIES, STUDY, archived, header, index

pytestmark = pytest.mark.django_db

CT = header(
    PatientID="P1",
    PatientName="Doe^John",
    PatientBirthDate="19700131",
    PatientSex="M",
    StudyDate="20260102",
    StudyTime="1030",
    AccessionNumber="A1",
    StudyDescription="Abdomen",
    Modality="CT",
    SeriesNumber=2,
)


def end_state() -> list[list[tuple[object, ...]]]:
    """All rows but for ids and times of writing."""
    return [
        list(Patient.objects.order_by("key").values_list("tenant", "key", "patient_name", "verbatim")),
        list(
            Study.objects.order_by("study_instance_uid").values_list(
                "study_instance_uid",
                "patient__key",
                "study_description",
                "number_of_series",
                "number_of_instances",
                "size_bytes",
                "modalities_in_study",
                "sop_classes_in_study",
                "attributes_received_at",
            )
        ),
        list(
            Series.objects.order_by("series_instance_uid").values_list(
                "study__study_instance_uid",
                "series_instance_uid",
                "modality",
                "series_description",
                "number_of_instances",
                "size_bytes",
                "sop_class_uids",
                "attributes_received_at",
            )
        ),
    ]


def test_a_batch_makes_patient_study_and_series(store: FilesystemStore):
    index(store, "b1", archived(store, "1.1"), archived(store, "1.2", size_bytes=500), header=CT)
    study = selectors.study("default", STUDY)
    series = selectors.series("default", STUDY, SERIES)
    assert (study.patient.patient_id, study.patient.patient_name) == ("P1", "Doe^John")
    assert (study.number_of_series, study.number_of_instances, study.size_bytes) == (1, 2, 1500)
    assert (study.study_date_time, study.modalities_in_study) == ("20260102103000", "\\CT\\")
    assert (series.modality, series.series_number, series.number_of_instances) == ("CT", 2, 2)
    assert not series.is_document_fresh
    assert not study.is_document_fresh


def test_counts_are_those_of_the_store_whatever_the_batch_says(store: FilesystemStore):
    archived(store, "1.9")  # its batch is still on its way
    index(store, "b1", archived(store, "1.1"), header=CT)
    assert selectors.study("default", STUDY).number_of_instances == 2


def test_the_same_batch_twice_changes_nothing(store: FilesystemStore):
    batch = index(store, "b1", archived(store, "1.1"), header=CT)
    before, revision = end_state(), selectors.study("default", STUDY).revision
    index(store, "b1", *batch.instances, header=CT)
    assert end_state() == before
    assert selectors.study("default", STUDY).revision == revision


def test_an_older_batch_that_comes_late_overwrites_nothing_newer(store: FilesystemStore):
    newer = header(PatientID="P1", PatientName="Doe^Jane", StudyDescription="new", Modality="CT")
    older = header(PatientID="P1", PatientName="Doe^John", StudyDescription="old", Modality="MR")
    index(store, "b2", archived(store, "1.2", minute=2), header=newer)
    index(store, "b1", archived(store, "1.1", minute=1), header=older)
    study = selectors.study("default", STUDY)
    assert (study.patient.patient_name, study.study_description) == ("Doe^Jane", "new")
    assert (study.modalities_in_study, study.number_of_instances) == ("\\CT\\", 2)


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_the_order_of_batches_does_not_matter(store: FilesystemStore, order: tuple[int, ...]):
    batches = [
        (
            "b0",
            [archived(store, "1.1", minute=0)],
            header(PatientID="P1", StudyDescription="a", Modality="CT"),
        ),
        (
            "b1",
            [archived(store, "1.2", minute=1)],
            header(PatientID="P2", StudyDescription="b", Modality="CT"),
        ),
        (
            "b2",
            [archived(store, "2.1", series="1.2.826.1.2", minute=2, sop_class="1.2.3")],
            header(PatientID="P1", StudyDescription="c", Modality="SR"),
        ),
        (
            "b3",
            [archived(store, "3.1", study="1.2.826.2", series="1.2.826.2.1", minute=3)],
            header(PatientID="P2", PatientName="Two^Patient", Modality="MR"),
        ),
    ]
    for number in order:
        batch_id, instances, model = batches[number]
        index(store, batch_id, *instances, header=model)
    patients = list(Patient.objects.order_by("patient_id").values_list("patient_id", "patient_name"))
    assert patients == [("P1", ""), ("P2", "Two^Patient")]
    study = selectors.study("default", STUDY)
    assert (study.patient.patient_id, study.study_description) == ("P1", "c")
    assert (study.number_of_series, study.number_of_instances) == (2, 3)
    assert study.modalities_in_study == "\\CT\\SR\\"
    assert study.sop_classes_in_study == "\\1.2.3\\1.2.840.10008.5.1.4.1.1.2\\"


def test_a_study_that_changes_its_patient_moves_and_the_empty_patient_goes(store: FilesystemStore):
    index(store, "b1", archived(store, "1.1", minute=1), header=header(PatientID="WRONG"))
    index(store, "b2", archived(store, "1.1", minute=2), header=header(PatientID="RIGHT"))
    assert list(Patient.objects.values_list("patient_id", flat=True)) == ["RIGHT"]
    assert selectors.study("default", STUDY).patient.patient_id == "RIGHT"


def test_a_patient_with_another_study_stays(store: FilesystemStore):
    other = archived(store, "9.1", study="1.2.826.9", series="1.2.826.9.1")
    index(store, "b1", archived(store, "1.1", minute=1), other, header=header(PatientID="A"))
    index(store, "b2", archived(store, "1.1", minute=2), header=header(PatientID="B"))
    assert set(Patient.objects.values_list("patient_id", flat=True)) == {"A", "B"}


@pytest.mark.parametrize("patient_id", ["", "   "])
def test_studies_without_a_patient_id_are_of_different_patients(store: FilesystemStore, patient_id: str):
    for number in (1, 2):
        instance = archived(
            store, f"{number}.1", study=f"1.2.{number}", series=f"1.2.{number}.1", patient_id=patient_id
        )
        index(store, f"b{number}", instance, header=header(PatientID=patient_id, PatientName="Doe^John"))
    assert Patient.objects.count() == 2


def test_an_issuer_tells_two_patients_of_one_id_apart(store: FilesystemStore):
    for number, issuer in enumerate(("NORTH", "SOUTH")):
        instance = archived(store, f"{number}.1", study=f"1.2.{number}", series=f"1.2.{number}.1")
        index(store, issuer, instance, header=header(PatientID="P1", IssuerOfPatientID=issuer))
    assert Patient.objects.count() == 2


def test_long_patient_ids_with_one_beginning_are_different_patients(store: FilesystemStore):
    for number in (1, 2):
        instance = archived(store, f"{number}.1", study=f"1.2.{number}", series=f"1.2.{number}.1")
        model = {"00100020": {"vr": "LO", "Value": ["x" * 5000 + str(number)]}}
        index(store, f"b{number}", instance, header=model)
    assert Patient.objects.count() == 2


def test_tenants_share_nothing(store: FilesystemStore):
    for tenant in ("north", "south"):
        index(store, tenant, archived(store, "1.1", tenant=tenant), header=CT)
    assert Patient.objects.count() == Study.objects.count() == Series.objects.count() == 2
    with pytest.raises(Study.DoesNotExist):
        selectors.study("default", STUDY)


def test_what_was_archived_for_a_tenant_that_is_gone_is_indexed_all_the_same(store: FilesystemStore):
    index(store, "b1", archived(store, "1.1", tenant="gone"), header=CT)
    assert Tenant.objects.filter(name="gone").exists()


def test_a_series_uid_in_two_studies_makes_two_series(store: FilesystemStore):
    both = archived(store, "1.1"), archived(store, "2.1", study="1.2.826.2", patient_id="P1")
    index(store, "b1", *both, header=CT)
    assert Series.objects.filter(series_instance_uid=SERIES).count() == 2


def test_a_header_that_could_not_be_read_leaves_the_patient_id_of_the_receiving_side(store: FilesystemStore):
    index(store, "b1", archived(store, "1.1", patient_id="P7"), header={})
    assert selectors.study("default", STUDY).patient.patient_id == "P7"


def test_values_that_no_column_can_take_are_kept_as_they_came(store: FilesystemStore):
    model = {
        "00080020": {"vr": "DA", "Value": ["19.4.2004"]},
        "00080030": {"vr": "TM", "Value": ["10:61"]},
        "00081030": {"vr": "LO", "Value": ["long " * 100]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Nul\0^Byte"}]},
        "00100020": {"vr": "LO", "Value": ["half \ud800 pair"]},
        "00200011": {"vr": "IS", "Value": ["99999999999"]},
        "0008103E": {"vr": "LO", "Value": [None]},
        "00400275": {"vr": "SQ", "Value": [{"00400009": {"vr": "SH", "Value": ["step\0"]}}]},
    }
    index(store, "b1", archived(store, "1.1", patient_id="P\0"), header=model)
    study, series = selectors.study("default", STUDY), selectors.series("default", STUDY, SERIES)
    assert study.study_date is None
    assert study.study_date_time == ""
    assert study.patient.patient_name == "Nul^Byte"
    found = selectors.study_model(study)
    assert found["00080020"] == {"vr": "DA", "Value": ["19.4.2004"]}
    assert found["00080030"] == {"vr": "TM", "Value": ["10:61"]}
    assert found["00081030"] == {"vr": "LO", "Value": [("long " * 100).strip()]}
    of_series = selectors.series_model(series)
    assert of_series["00200011"] == {"vr": "IS", "Value": ["99999999999"]}
    assert of_series["0008103E"] == {"vr": "LO"}
    assert series.scheduled_procedure_step_id == "\\step\\"


def test_the_batch_is_recorded_with_its_manifest_and_series(store: FilesystemStore):
    published = index(store, "b1", archived(store, "1.1"), archived(store, "1.2", minute=1), header=CT)
    row = Batch.objects.get(pk="b1")
    assert (row.state, row.stage, row.number_of_instances, row.size_bytes) == ("running", "index", 2, 2000)
    assert selectors.batch("b1") == published
    assert [series.series_instance_uid for series in row.series.all()] == [SERIES]
