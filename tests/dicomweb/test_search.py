from dataclasses import replace

import pydicom
import pytest

from tests.dicomweb.reading import body_of, json_of
from tests.support.samples import sample

CT = sample("CT_small.dcm")
MR = sample("MR_small.dcm")


@pytest.fixture
def three_studies(filling, edited):
    """Study 1: series 1.1 (CT: 3) and 1.2 (MR: 1); studies 2 and 3 with a series and an instance each."""
    common = {
        "PatientID": "P1",
        "PatientName": "Yamada^Tarou=山田^太郎",
        "StudyInstanceUID": "1",
        "SpecificCharacterSet": "ISO_IR 192",
    }
    filling.add(
        *(
            edited(
                CT,
                **common,
                StudyDate="20200101",
                StudyTime="1200",
                StudyDescription="Thorax",
                AccessionNumber="A1",
                SeriesInstanceUID="1.1",
                SeriesNumber=1,
                SOPInstanceUID=f"1.1.{number}",
                InstanceNumber=number,
            )
            for number in (1, 2, 3)
        ),
        edited(
            MR,
            **common,
            StudyDate="20200101",
            StudyTime="1200",
            StudyDescription="Thorax",
            AccessionNumber="A1",
            SeriesInstanceUID="1.2",
            SeriesNumber=2,
            SOPInstanceUID="1.2.1",
            InstanceNumber=1,
        ),
        edited(
            CT,
            PatientID="P2",
            PatientName="Doe^Jane",
            StudyInstanceUID="2",
            StudyDate="20210101",
            AccessionNumber="A2",
            SeriesInstanceUID="2.1",
            SOPInstanceUID="2.1.1",
            InstanceNumber=9,
        ),
        edited(
            MR,
            PatientID="P3",
            PatientName="Doe^John",
            StudyInstanceUID="3",
            StudyDate="20220101",
            AccessionNumber="A3",
            SeriesInstanceUID="3.1",
            SOPInstanceUID="3.1.1",
            InstanceNumber=8,
        ),
    )


def values(response, tag):
    assert response.status_code == 200, body_of(response)
    assert response["Content-Type"] == "application/dicom+json"
    return [model[tag]["Value"][0] for model in json_of(response)]


def studies(response):
    return values(response, "0020000D")


def series(response):
    return values(response, "0020000E")


def instances(response):
    return values(response, "00080018")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["3", "2", "1"]),
        ({"PatientID": "P1"}, ["1"]),
        ({"00100020": "P1"}, ["1"]),
        ({"PatientID": "P?"}, ["3", "2", "1"]),
        ({"PatientName": "doe^*"}, ["3", "2"]),
        ({"PatientName": "DOE^JANE"}, ["2"]),
        ({"PatientName": "*jane"}, ["2"]),
        ({"PatientName": "山田*"}, ["1"]),
        ({"StudyDate": "20210101"}, ["2"]),
        ({"StudyDate": "20200601-20211231"}, ["2"]),
        ({"StudyDate": "20210101-"}, ["3", "2"]),
        ({"StudyDate": "-20210101"}, ["2", "1"]),
        ({"StudyTime": "11-13", "PatientID": "P1"}, ["1"]),
        ({"AccessionNumber": "A1"}, ["1"]),
        ({"ModalitiesInStudy": "MR"}, ["3", "1"]),
        ({"ModalitiesInStudy": "CT", "StudyDate": "20210101"}, ["2"]),
        ({"StudyInstanceUID": "1,3"}, ["3", "1"]),
        ({"StudyInstanceUID": "1\\3"}, ["3", "1"]),
        ({"StudyInstanceUID": ["1", "3"]}, ["3", "1"]),
        ({"StudyDescription": "Tho*"}, ["1"]),
        ({"PatientID": ""}, ["3", "2", "1"]),
    ],
)
def test_studies(three_studies, get, query, expected):
    assert studies(get("/studies", query)) == expected


def test_a_study_has_the_attributes_of_the_table(three_studies, get):
    (model,) = json_of(get("/studies", {"StudyInstanceUID": "1"}))
    assert list(model) == sorted(model)
    assert model["00080020"] == {"vr": "DA", "Value": ["20200101"]}
    assert model["00080056"] == {"vr": "CS", "Value": ["ONLINE"]}
    assert sorted(model["00080061"]["Value"]) == ["CT", "MR"]
    assert model["00081190"] == {"vr": "UR", "Value": ["http://testserver/dicom-web/studies/1"]}
    assert model["00100010"]["Value"] == [{"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎"}]
    assert model["00201206"]["Value"] == [2]
    assert model["00201208"]["Value"] == [4]
    assert "00081030" not in model


@pytest.mark.parametrize("include", ["StudyDescription", "00081030", "all", "PatientAge,StudyDescription"])
def test_includefield_brings_more(three_studies, get, include):
    (model,) = json_of(get("/studies", {"StudyInstanceUID": "1", "includefield": include}))
    assert model["00081030"]["Value"] == ["Thorax"]


def test_a_key_brings_its_attribute(three_studies, get):
    (model,) = json_of(get("/studies", {"StudyDescription": "Thorax"}))
    assert model["00081030"]["Value"] == ["Thorax"]


def test_the_order_stays_while_pages_are_turned(three_studies, get):
    pages = [studies(get("/studies", {"limit": 1, "offset": offset})) for offset in range(3)]
    assert pages == [["3"], ["2"], ["1"]]
    assert json_of(get("/studies", {"offset": 3})) == []


def test_more_than_were_asked_for_are_announced(three_studies, get):
    response = get("/studies", {"limit": 1})
    assert response["Warning"] == (
        "299 http://testserver/dicom-web: There are 2 additional results that can be requested"
    )
    assert "Warning" not in get("/studies", {"limit": 3})
    assert "There are 3 " in get("/studies", {"limit": 0})["Warning"]


def test_the_server_has_a_limit_of_its_own(three_studies, get, filling, settings, environment):
    settings.ENVIRONMENT = with_web(environment, qido_max_results=2)
    response = get("/studies", {"limit": 100})
    assert len(json_of(response)) == 2
    assert "There are 1 additional" in response["Warning"]


def with_web(environment, **changes):
    return replace(environment, web=replace(environment.web, **changes))


def test_no_match_is_an_empty_list_or_no_content(filling, get, settings, environment):
    response = get("/studies", {"PatientID": "nobody"})
    assert (response.status_code, json_of(response)) == (200, [])
    settings.ENVIRONMENT = with_web(environment, qido_no_match_status=204)
    response = get("/studies", {"PatientID": "nobody"})
    assert (response.status_code, body_of(response)) == (204, b"")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("jane doe", ["2"]),
        ("DOE", ["3", "2"]),
        ("do j", ["3", "2"]),
        ("tarou,yamada", ["1"]),
        ("太郎", ["1"]),
        ("山田太郎", ["1"]),
        ("*ane", ["2"]),
        ("ane", []),
        ("^", ["3", "2", "1"]),
    ],
)
def test_a_fuzzy_name_is_words_in_any_order(three_studies, get, name, expected):
    response = get("/studies", {"PatientName": name, "fuzzymatching": "true"})
    assert studies(response) == expected
    assert "Warning" not in response
    found = get("/instances", {"PatientName": name, "fuzzymatching": "true"})
    assert {model["0020000D"]["Value"][0] for model in json_of(found)} == set(expected)


def test_words_of_a_name_go_with_the_name(filling, get, edited):
    mine = {"StudyInstanceUID": "1", "SeriesInstanceUID": "1.1", "PatientID": "P"}
    filling.add(edited(CT, **mine, PatientName="Doe^Jane"))
    filling.add(edited(CT, **mine, PatientName="Roe^Jane"))
    assert json_of(get("/studies", {"PatientName": "doe", "fuzzymatching": "true"})) == []
    assert studies(get("/studies", {"PatientName": "jane roe", "fuzzymatching": "true"})) == ["1"]


def test_a_parameter_that_is_not_ours_is_ignored_with_a_warning(three_studies, get):
    response = get("/studies", {"orderby": "PatientName", "PatientID": "P1"})
    assert studies(response) == ["1"]
    assert response["Warning"] == (
        "299 http://testserver/dicom-web: These parameters are not supported and have been ignored: orderby"
    )


@pytest.mark.parametrize(
    ("path", "query", "detail"),
    [
        ("/studies", {"00091001": "1"}, "00091001"),
        ("/studies", {"PixelData": "1"}, "PixelData"),
        ("/series", {"Rows": "many"}, "Rows"),
        ("/instances", {"PixelData": "1"}, "PixelData"),
        ("/instances", {"InstanceNumber": "one"}, "InstanceNumber"),
        ("/studies", {"StudyDate": "tomorrow"}, "StudyDate"),
        ("/studies", {"StudyInstanceUID": "1,x"}, "StudyInstanceUID"),
        ("/studies", {"limit": "-1"}, "limit"),
        ("/studies", {"offset": "many"}, "offset"),
        ("/studies", {"includefield": "Nonsense"}, "includefield"),
        ("/studies/abc/series", {}, "StudyInstanceUID"),
        ("/studies/1/series/abc/instances", {}, "SeriesInstanceUID"),
    ],
)
def test_what_cannot_be_answered_is_named(filling, get, path, query, detail):
    response = get(path, query)
    assert response.status_code == 400
    assert json_of(response)["detail"] == detail


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("/series", {}, ["3.1", "2.1", "1.1", "1.2"]),
        ("/series", {"Modality": "MR"}, ["3.1", "1.2"]),
        ("/series", {"PatientID": "P1"}, ["1.1", "1.2"]),
        ("/series", {"SeriesInstanceUID": "1.1,3.1"}, ["3.1", "1.1"]),
        ("/series", {"limit": 2, "offset": 1}, ["2.1", "1.1"]),
        ("/studies/1/series", {}, ["1.1", "1.2"]),
        ("/studies/1/series", {"Modality": "CT"}, ["1.1"]),
        ("/studies/1/series", {"SeriesNumber": "2"}, ["1.2"]),
        ("/studies/1/series", {"StudyInstanceUID": "2"}, []),
        ("/studies/4/series", {}, []),
    ],
)
def test_series(three_studies, get, path, query, expected):
    assert series(get(path, query)) == expected


def test_a_series_has_the_attributes_of_its_table(three_studies, get):
    model = json_of(get("/studies/1/series"))[0]
    assert model["00080060"]["Value"] == ["CT"]
    assert model["00081190"]["Value"] == ["http://testserver/dicom-web/studies/1/series/1.1"]
    assert model["00201209"]["Value"] == [3]
    assert "00100020" not in model
    assert json_of(get("/series", {"SeriesInstanceUID": "1.1"}))[0]["00100020"]["Value"] == ["P1"]
    (model,) = json_of(get("/studies/2/series", {"includefield": "PatientID"}))
    assert model["00100020"]["Value"] == ["P2"]


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("/studies/1/series/1.1/instances", {}, ["1.1.1", "1.1.2", "1.1.3"]),
        ("/studies/1/series/1.1/instances", {"InstanceNumber": "2"}, ["1.1.2"]),
        ("/studies/1/series/1.1/instances", {"SOPInstanceUID": "1.1.1,1.1.3"}, ["1.1.1", "1.1.3"]),
        ("/studies/1/series/1.1/instances", {"SeriesInstanceUID": "1.2"}, []),
        ("/studies/1/series/2.1/instances", {}, []),
        ("/studies/1/instances", {}, ["1.1.1", "1.1.2", "1.1.3", "1.2.1"]),
        ("/studies/1/instances", {"Modality": "MR"}, ["1.2.1"]),
        ("/studies/1/instances", {"InstanceNumber": "1"}, ["1.1.1", "1.2.1"]),
        ("/studies/1/instances", {"limit": 2, "offset": 2}, ["1.1.3", "1.2.1"]),
        ("/studies/1/instances", {"InstanceNumber": "1", "limit": 1, "offset": 1}, ["1.2.1"]),
        ("/instances", {}, ["3.1.1", "2.1.1", "1.1.1", "1.1.2", "1.1.3", "1.2.1"]),
        ("/instances", {"limit": 2, "offset": 1}, ["2.1.1", "1.1.1"]),
        ("/instances", {"limit": 1, "offset": 5}, ["1.2.1"]),
        ("/instances", {"PatientID": "P2"}, ["2.1.1"]),
        ("/instances", {"SOPInstanceUID": "1.1.2"}, ["1.1.2"]),
        ("/instances", {"InstanceNumber": "9"}, ["2.1.1"]),
    ],
)
def test_instances(three_studies, get, path, query, expected):
    assert instances(get(path, query)) == expected


@pytest.mark.parametrize(
    ("query", "additional"),
    [({"limit": 2}, 4), ({"limit": 1, "offset": 2}, 3), ({"limit": 1, "InstanceNumber": "1"}, 1)],
)
def test_instances_that_remain_are_counted(three_studies, get, query, additional):
    assert f"There are {additional} additional" in get("/instances", query)["Warning"]


def test_an_instance_has_the_attributes_of_its_table(three_studies, get):
    (model,) = json_of(get("/studies/1/series/1.1/instances", {"InstanceNumber": "1"}))
    assert list(model) == sorted(model)
    assert model["00080016"]["Value"] == [str(pydicom.dcmread(CT).SOPClassUID)]
    assert model["00280010"]["Value"] == [128]
    url = "http://testserver/dicom-web/studies/1/series/1.1/instances/1.1.1"
    assert model["00081190"]["Value"] == [url]
    assert "00080060" not in model
    (model,) = json_of(get("/studies/1/instances", {"SOPInstanceUID": "1.1.1"}))
    assert model["00080060"]["Value"] == ["CT"]
    assert "00100020" not in model
    (model,) = json_of(get("/instances", {"SOPInstanceUID": "1.1.1"}))
    assert model["00100020"]["Value"] == ["P1"]


def test_includefield_all_brings_what_metadata_has(three_studies, get):
    (model,) = json_of(get("/studies/1/series/1.2/instances", {"includefield": "all"}))
    (metadata,) = json_of(get("/studies/1/series/1.2/metadata"))
    assert metadata.items() <= model.items()


def test_an_instance_search_that_reads_too_much_needs_the_warehouse(
    three_studies, get, settings, environment
):
    settings.ENVIRONMENT = with_web(environment, qido_max_series=2)
    response = get("/instances", {"InstanceNumber": "1"})
    assert response.status_code == 503
    assert json_of(response)["detail"] == "InstanceNumber"
    assert response["Retry-After"]
    assert instances(get("/instances", {"InstanceNumber": "1", "PatientID": "P1"})) == ["1.1.1", "1.2.1"]
    assert len(json_of(get("/instances"))) == 6
    assert len(json_of(get("/studies/1/instances", {"InstanceNumber": "1"}))) == 2


def test_instances_are_found_before_their_documents_are_made(filling, get):
    (instance,) = filling.archive(CT)
    filling.index([instance])
    assert instances(get("/instances", {"SOPInstanceUID": instance.sop_instance_uid})) == [
        instance.sop_instance_uid
    ]


def test_a_search_can_be_compressed(three_studies, get):
    response = get("/studies", accept_encoding="gzip")
    assert response["Content-Encoding"] == "gzip"
    assert studies(response) == ["3", "2", "1"]
