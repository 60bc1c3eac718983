"""Which studies and series a search's values find: the same on every database. PS3.4 C.2.2.2."""

from typing import Any

import pytest

from dicomhub.archive.incoming import key_of
from dicomhub.archive.selectors import (
    MatchInvalid,
    MatchUnsupported,
    series_matching,
    studies_matching,
)
from dicomhub.archive.services import index_batch
from dicomhub.storage.filesystem import FilesystemStore
from tasks.messages import InstanceBatch
from tests.archive.building import archived, header

pytestmark = pytest.mark.django_db

STUDIES = {
    "1.1": {
        "PatientID": "P1",
        "PatientName": "Doe^John",
        "PatientBirthDate": "19700131",
        "PatientSex": "M",
        "StudyDate": "20260102",
        "StudyTime": "103015",
        "AccessionNumber": "A_1",
        "StudyDescription": "Abdomen 100%",
        "ReferringPhysicianName": "House^Gregory",
        "Modality": "CT",
        "SeriesNumber": 3,
        "PerformedProcedureStepStartDate": "20260102",
    },
    "1.2": {
        "PatientID": "p1",
        "PatientName": "DOE^JANE",
        "PatientBirthDate": "19800131",
        "PatientSex": "F",
        "StudyDate": "20260115",
        "StudyTime": "235959.5",
        "AccessionNumber": "AB1",
        "StudyDescription": "abdomen",
        "Modality": "MR",
        "OperatorsName": ["One^Op", "Two^Op"],
        "SeriesNumber": 10,
    },
    "1.3": {
        "PatientID": "P[3]",
        "PatientName": "Müller^Jürgen",
        "StudyDate": "20260201",
        "StudyTime": "10",
        "AccessionNumber": "A*1",
        "Modality": "MR",
    },
    "1.4": {
        "PatientID": "P4",
        "PatientName": "Yamada^Tarou=山田^太郎=やまだ^たろう",
        "AccessionNumber": "A\u20131",
        "Modality": "US",
    },
    "1.5": {"PatientID": "P5", "PatientName": "Doerr", "StudyDate": "20251231", "Modality": "SR"},
}


@pytest.fixture(autouse=True)
def studies(store: FilesystemStore):
    instances, headers = [], {}

    def add(model: dict[str, Any], **where: Any) -> None:
        instances.append(archived(store, f"1.{len(instances)}", **where))
        headers[key_of(instances[-1])] = model

    for uid, attributes in STUDIES.items():
        add(header(SpecificCharacterSet="ISO_IR 192", **attributes), study=uid, series=f"{uid}.1")
    step = header(ScheduledProcedureStepID="STEP1", RequestedProcedureID="REQ1")
    second = header(**STUDIES["1.1"] | {"Modality": "SR", "SeriesNumber": None})
    second["00400275"] = {"vr": "SQ", "Value": [step]}
    add(second, study="1.1", series="1.1.2")
    add(header(**STUDIES["1.1"]), tenant="elsewhere", study="1.1", series="1.1.1")
    index_batch(InstanceBatch(batch_id="all", instances=tuple(instances)), headers=headers, store=store)


@pytest.mark.parametrize(
    ("keyword", "value", "found"),
    [
        ("PatientID", "", "1.1 1.2 1.3 1.4 1.5"),
        ("PatientID", "*", "1.1 1.2 1.3 1.4 1.5"),
        ("PatientID", "P1", "1.1"),
        ("PatientID", "p1", "1.2"),
        ("PatientID", " P1 ", "1.1"),
        ("PatientID", "P?", "1.1 1.4 1.5"),
        ("PatientID", "P*", "1.1 1.3 1.4 1.5"),
        ("PatientID", "P[3]", "1.3"),
        ("PatientID", "P[*", "1.3"),
        ("PatientID", "P1\\p1", "1.1 1.2"),
        ("AccessionNumber", "A_*", "1.1"),
        ("AccessionNumber", "A?1", "1.1 1.2 1.3 1.4"),
        ("AccessionNumber", "%", ""),
        ("StudyDescription", "*100%", "1.1"),
        ("StudyDescription", "*%", "1.1"),
        ("StudyDescription", "abdomen", "1.2"),
        ("StudyDescription", "?bdomen*", "1.1 1.2"),
        ("PatientSex", "M", "1.1"),
        ("PatientName", "DOE^JOHN", "1.1"),
        ("PatientName", "doe", "1.1 1.2"),
        ("PatientName", "doe^", "1.1 1.2"),
        ("PatientName", "Doe*", "1.1 1.2 1.5"),
        ("PatientName", "*j*n*", "1.1 1.2 1.3"),
        ("PatientName", "^john", "1.1"),
        ("PatientName", "doe^j?n?", "1.2"),
        ("PatientName", "MULLER", "1.3"),
        ("PatientName", "Müller^Jurgen", "1.3"),
        ("PatientName", "山田", "1.4"),
        ("PatientName", "山田^太郎", "1.4"),
        ("PatientName", "やまだ*", "1.4"),
        ("PatientName", "Yamada=山田", "1.4"),
        ("PatientName", "Yamada=山本", ""),
        ("PatientName", "yam", ""),
        ("ReferringPhysicianName", "house", "1.1"),
        ("PatientBirthDate", "19700131", "1.1"),
        ("StudyDate", "20260102", "1.1"),
        ("StudyDate", "20260102-20260115", "1.1 1.2"),
        ("StudyDate", "20260115-", "1.2 1.3"),
        ("StudyDate", "-20260102", "1.1 1.5"),
        ("StudyTime", "103015", "1.1"),
        ("StudyTime", "10", "1.1 1.3"),
        ("StudyTime", "1030-2359", "1.1 1.2"),
        ("StudyInstanceUID", "1.1,1.4", "1.1 1.4"),
        ("StudyInstanceUID", "1.1\\1.5", "1.1 1.5"),
        ("StudyInstanceUID", "1.9", ""),
        ("ModalitiesInStudy", "SR", "1.1 1.5"),
        ("ModalitiesInStudy", "CT,US", "1.1 1.4"),
        ("ModalitiesInStudy", "?R", "1.1 1.2 1.3 1.5"),
        ("ModalitiesInStudy", "", "1.1 1.2 1.3 1.4 1.5"),
        ("Modality", "SR", "1.1 1.5"),
        ("SeriesNumber", "10", "1.2"),
        ("SeriesNumber", "99999999999999999999", ""),
        ("SOPClassesInStudy", "1.2.840.10008.5.1.4.1.1.2", "1.1 1.2 1.3 1.4 1.5"),
        ("SOPClassesInStudy", "1.2.840.10008.5.1.4.1.1", ""),
        ("OperatorsName", "two", "1.2"),
        ("OperatorsName", "three", ""),
        ("RequestAttributesSequence.ScheduledProcedureStepID", "STEP1", "1.1"),
        ("RequestedProcedureID", "REQ*", "1.1"),
    ],
)
def test_studies(keyword: str, value: str, found: str):
    studies = studies_matching("default", {keyword: value})
    assert sorted(study.study_instance_uid for study in studies) == found.split()


def test_every_value_has_to_match():
    def found(**matches: str) -> list[str]:
        return [study.study_instance_uid for study in studies_matching("default", matches)]

    assert found(PatientName="Doe*", PatientSex="F") == ["1.2"]
    assert found(Modality="SR", SeriesNumber="3") == []  # two series of one study are not one series
    assert found(ModalitiesInStudy="SR", SeriesNumber="3") == ["1.1"]


def test_series_of_a_study_come_in_the_order_of_their_numbers():
    assert [series.series_instance_uid for series in series_matching("default", {}, "1.1")] == [
        "1.1.1",
        "1.1.2",
    ]


def test_series_are_found_by_their_own_attributes_and_those_above():
    def found(**matches: str) -> list[str]:
        return sorted(series.series_instance_uid for series in series_matching("default", matches))

    assert found(Modality="SR") == ["1.1.2", "1.5.1"]
    assert found(Modality="SR", PatientID="P1") == ["1.1.2"]
    assert found(ModalitiesInStudy="SR", StudyDate="20260101-") == ["1.1.1", "1.1.2"]
    assert found(PerformedProcedureStepStartDate="20260102") == ["1.1.1", "1.1.2"]
    assert found(SeriesInstanceUID="1.2.1") == ["1.2.1"]


def test_the_latest_study_comes_first_and_those_without_a_date_last():
    uids = [study.study_instance_uid for study in studies_matching("default", {})]
    assert uids == ["1.3", "1.2", "1.1", "1.5", "1.4"]


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("StudyDate", "yesterday"),
        ("StudyDate", "2026*"),
        ("StudyDate", "20260230"),
        ("StudyTime", "25"),
        ("StudyInstanceUID", "1.2.*"),
        ("SeriesNumber", "three"),
    ],
)
def test_values_that_cannot_be_are_refused(keyword: str, value: str):
    with pytest.raises(MatchInvalid) as refused:
        studies_matching("default", {keyword: value})
    assert (refused.value.keyword, refused.value.value) == (keyword, value)


@pytest.mark.parametrize("keyword", ["KVP", "PixelData", "RequestAttributesSequence"])
def test_what_has_no_column_is_refused(keyword: str):
    with pytest.raises(MatchUnsupported):
        studies_matching("default", {keyword: "1"})
