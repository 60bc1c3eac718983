"""How values are matched beyond their VR: moments, zones, what is empty, all of several values, any level."""

from dataclasses import replace

import pytest

from tests.dicomweb.reading import json_of, parts_of
from tests.standard.native_model_reading import read_native_model
from tests.support.samples import sample

CT = sample("CT_small.dcm")
EVERYWHERE = ("/studies", "/series", "/instances")


@pytest.fixture
def evening_and_morning(filling, edited):
    """Studies 1 to 4: late on the second of January in Berlin, early on the third in New York, two without."""

    def one(number, **attributes):
        uids = {"StudyInstanceUID": f"{number}", "SeriesInstanceUID": f"{number}.1"}
        return edited(CT, **uids, PatientID=f"P{number}", SOPInstanceUID=f"{number}.1.1", **attributes)

    filling.add(
        one(1, StudyDate="20260102", StudyTime="2330", TimezoneOffsetFromUTC="+0100", KVP="80",
            AcquisitionDateTime="20260102233000+0100", ImageType=["ORIGINAL", "PRIMARY", "AXIAL"]),
        one(2, StudyDate="20260103", StudyTime="0100", TimezoneOffsetFromUTC="-0500", KVP="90",
            AcquisitionDateTime="20260103010000-0500", ImageType=["DERIVED", "PRIMARY"]),
        one(3, StudyDate="20260102", StudyTime="0900", KVP="100", StudyDescription="",
            AcquisitionDateTime="202601020900", AccessionNumber="", PatientComments="nervous"),
        one(4, StudyDate="20260104", StudyTime="", KVP="100", AccessionNumber="A4"),
    )  # fmt: skip


def found(get, query, path="/studies"):
    response = get(path, query)
    assert response.status_code == 200, response.content
    return sorted(model["0020000D"]["Value"][0] for model in json_of(response))


@pytest.mark.parametrize("path", EVERYWHERE)
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"StudyDate": "20260102-20260103", "StudyTime": "2200-0200"}, ["1", "2"]),
        ({"StudyDate": "20260102-", "StudyTime": "2200-"}, ["1", "2"]),
        ({"StudyDate": "20260102-20260103", "StudyTime": "0900"}, ["3"]),
        ({"StudyDate": "20260102", "TimezoneOffsetFromUTC": "+0100"}, ["1", "3"]),
        ({"StudyDate": "20260103", "TimezoneOffsetFromUTC": "+0800"}, ["1", "2"]),
        ({"StudyDate": "20260103", "TimezoneOffsetFromUTC": "-0500"}, ["2"]),
        ({"StudyDate": "20260104", "TimezoneOffsetFromUTC": "-0500"}, ["4"]),
        ({"AcquisitionDateTime": "20260102"}, ["1", "3"]),
        ({"AcquisitionDateTime": "20260102230000+0000-20260103"}, ["2"]),
        ({"AcquisitionDateTime": "20260102223000+0000"}, ["1"]),
        ({"KVP": "100"}, ["3", "4"]),
        ({"KVP": "100", "AccessionNumber": "A4"}, ["4"]),
        ({"PatientComments": "nerv*"}, ["3"]),
        ({"AccessionNumber": '""', "emptyvaluematching": "true"}, ["1", "2", "3"]),
        ({"AccessionNumber": '""'}, []),
        ({"StudyTime": '""', "emptyvaluematching": "true"}, ["4"]),
        ({"PatientComments": '""', "emptyvaluematching": "true"}, ["1", "2", "4"]),
        ({"ImageType": "PRIMARY\\AXIAL", "multiplevaluematching": "true", "KVP": "80"}, ["1"]),
        ({"ImageType": "DERIVED\\AXIAL", "multiplevaluematching": "true"}, []),
        ({"ModalitiesInStudy": "CT\\MR", "multiplevaluematching": "true"}, []),
        ({"ModalitiesInStudy": "CT\\MR"}, ["1", "2", "3", "4"]),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2", "KVP": "80"}, ["1"]),
        ({"NumberOfStudyRelatedInstances": "2"}, []),
    ],
)  # fmt: skip
def test_found_at_every_level(evening_and_morning, get, path, query, expected):
    assert found(get, query, path) == expected


def test_a_wildcard_among_several_values_is_refused(evening_and_morning, get):
    response = get("/studies", {"ModalitiesInStudy": "CT\\M*", "multiplevaluematching": "true"})
    assert (response.status_code, json_of(response)["detail"]) == (400, "ModalitiesInStudy")


def test_attributes_of_the_level_are_filled_from_the_documents(evening_and_morning, get):
    (study,) = json_of(get("/studies", {"StudyInstanceUID": "3", "includefield": "PatientComments,KVP"}))
    assert study["00104000"]["Value"] == ["nervous"]
    assert "00180060" not in study
    assert study["00080005"]["Value"] == ["ISO_IR 192"]
    (series,) = json_of(get("/studies/3/series", {"includefield": "all"}))
    assert series["00104000"]["Value"] == ["nervous"]
    assert series["00080070"]
    assert "00180060" not in series
    (instance,) = json_of(get("/instances", {"SOPInstanceUID": "3.1.1", "includefield": "KVP"}))
    assert instance["00180060"]["Value"] == [100]


def test_what_needs_documents_comes_in_smaller_pages(evening_and_morning, get, settings, environment):
    settings.ENVIRONMENT = replace(environment, web=replace(environment.web, qido_max_series=3))
    response = get("/studies", {"includefield": "PatientComments"})
    assert len(json_of(response)) == 3
    assert "There are 1 additional results" in response["Warning"]
    assert len(json_of(get("/studies"))) == 4


def test_results_in_xml_are_a_part_each(evening_and_morning, get):
    accept = 'multipart/related; type="application/dicom+xml"'
    response = get("/studies", accept=accept)
    parts = parts_of(response)
    urls = [model["00081190"]["Value"][0] for model in json_of(get("/studies"))]
    read = [{each.tag: each.values for each in read_native_model(content)} for _, content in parts]
    assert [attributes["00081190"] for attributes in read] == [[url] for url in urls]
    assert [headers["Content-Location"] for headers, _ in parts] == urls
    assert {headers.get_content_type() for headers, _ in parts} == {"application/dicom+xml"}


def test_a_list_of_uids_that_is_too_long(filling, get):
    response = get("/studies", {"StudyInstanceUID": ",".join(f"1.{number}" for number in range(501))})
    assert (response.status_code, json_of(response)["detail"]) == (413, "StudyInstanceUID")
