"""Instances by header across the archive: the warehouse's answers beside those of the documents."""

import shutil
from contextlib import contextmanager
from dataclasses import replace
from uuid import uuid4

import orjson
import pydicom
import pytest
import requests

from dicomhub.environment import read_environment
from dicomhub.metadata.series import read_series
from dicomhub.standard.attributes import keyword_of, vr_of
from dicomhub.storage.layout import SeriesKey, instance_path
from tasks.warehouse.open import open_warehouse
from tasks.warehouse.rows import image_row
from tasks.warehouse.tables import IMAGE_META
from tests.dicomweb.reading import json_of
from tests.dicomweb.served import serving
from tests.support.database import database_url
from tests.support.doris.cluster import running_doris
from tests.support.samples import sample
from tests.support.spooling import stored
from tests.warehouse import making

NAMES = (
    "CT_small.dcm", "MR_small.dcm", "image_dfl.dcm", "JPEG2000.dcm", "rtplan.dcm", "rtdose.dcm",
    "reportsi.dcm", "examples_overlay.dcm", "liver_1frame.dcm", "chrH31.dcm", "chrGerm.dcm", "SC_rgb.dcm",
)  # fmt: skip
SAMPLES = tuple(map(sample, NAMES))
CT, MR = SAMPLES[:2]
MANY = 10**6


@contextmanager
def embedded():
    yield {}


@contextmanager
def doris():
    with running_doris() as double:
        yield {"WAREHOUSE_URL": double.url()}


@pytest.fixture(params=[embedded, doris])
def archived(request, filling, settings):
    """The archive with a warehouse; QIDO asks that as soon as there is a second series."""
    with request.param() as variables:
        home = {"DICOMHUB_HOME": str(filling.environment.home), "STORE_RESERVE_BYTES": "0"}
        environment = read_environment({**home, **variables, "QIDO_MAX_SERIES": "1"})
        settings.ENVIRONMENT = environment
        open_warehouse(environment.warehouse).initialise()
        yield filling


def load(filling, instances, settings):
    rows = [image_row(instance, header_of(filling.store, instance)) for instance in instances]
    warehouse = open_warehouse(settings.ENVIRONMENT.warehouse)
    assert warehouse.load(IMAGE_META, uuid4().hex, b"\n".join(rows)).is_in


def header_of(store, instance):
    key = SeriesKey(instance.tenant, instance.study_instance_uid, instance.series_instance_uid)
    series = read_series(store, key, is_fresh=True)
    uids = [entry.sop_instance_uid for entry in series.entries]
    return series.lines[uids.index(instance.sop_instance_uid)]


def found(response):
    assert response.status_code == 200, response.content
    return sorted(model["00080018"]["Value"][0] for model in json_of(response))


def by_documents(get, settings, query, path="/instances"):
    few = settings.ENVIRONMENT
    settings.ENVIRONMENT = replace(few, web=replace(few.web, qido_max_series=MANY))
    try:
        return get(path, query)
    finally:
        settings.ENVIRONMENT = few


def questions(model, path=()):
    """Keys that this header, or an item of it, fulfils: one or more an attribute."""
    for tag, element in model.items():
        if keyword_of(tag) is None or not element.get("Value"):
            continue
        name = ".".join((*path, keyword_of(tag)))
        if element["vr"] == "SQ":
            for item in element["Value"][:1]:
                yield from questions(item or {}, (*path, keyword_of(tag)))
            continue
        for value in asked(vr_of(tag), element["Value"][-1]):
            yield name, value


def asked(vr, value):
    match value:
        case {"Alphabetic": str(name)}:
            yield name.upper()
            yield name[:3] + "*"
        case str() if vr == "DA":
            yield f"{value}-{value[:4]}1231"
        case str() if vr == "TM":
            yield value[:4] + "-"
            yield value[:2]
        case str() if vr in {"CS", "LO", "SH", "ST", "LT", "UT"} and value:
            yield value[:64].replace("\\", "?").replace(",", "?")
            yield f"*{value[1:40:2][:3]}*".replace("\\", "?")
            yield f"{value[:1]}*".replace("\\", "*")
        case str() | int() | float() if vr not in {"UN", "OB", "OW"}:
            yield str(value)


def test_the_warehouse_finds_what_the_documents_have(archived, get, settings, edited):
    instances = archived.add(*map(edited, SAMPLES))
    load(archived, instances, settings)
    everything = json_of(by_documents(get, settings, {"includefield": "all"}))
    asked_for = dict.fromkeys(question for model in everything for question in questions(model))
    first_of_name = list({name: (name, value) for name, value in asked_for}.values())
    compared = 0
    for name, value in first_of_name[::6] + list(asked_for)[::40]:
        expected = by_documents(get, settings, {name: value})
        if expected.status_code == 400:  # no key: bytes, say
            continue
        assert found(get("/instances", {name: value})) == found(expected), (name, value)
        compared += 1
    assert compared > 40


PARTICULAR = (
    ({"KVP": "120"}, ["1.2.3"]),
    ({"KVP": "120.00", "Modality": "CT"}, ["1.2.3"]),
    ({"SliceThickness": "5"}, ["1.2.3"]),
    ({"Rows": "128"}, ["1.2.3"]),
    ({"InstanceNumber": "1.5"}, []),
    ({"ImageType": "AXIAL"}, ["1.2.3"]),
    ({"ImageType": "?XI*,NOTHING"}, ["1.2.3"]),
    ({"ImageType": "axial"}, []),
    ({"ImageComments": "100% *"}, ["1.2.3"]),
    ({"ImageComments": '*]}"*'}, ["1.2.3"]),
    ({"ContentCreatorName": "muller"}, ["1.2.3"]),
    ({"ContentCreatorName": "MÜLLER^H*"}, ["1.2.3"]),
    ({"ContentCreatorName": "^hans"}, ["1.2.3"]),
    ({"ContentCreatorName": "ヤマダ*"}, ["1.2.3"]),
    ({"ContentDate": "20040101-"}, ["1.2.3"]),
    ({"ContentDate": "-20040119"}, ["1.2.3", "1.2.4"]),
    ({"ContentTime": "10"}, ["1.2.3", "1.2.4"]),
    ({"ContentTime": "1000-1030"}, ["1.2.3", "1.2.4"]),
    ({"SOPInstanceUID": "1.2.3,9.9"}, ["1.2.3"]),
    ({"SOPInstanceUID": ","}, []),
    ({"ReferencedImageSequence.ReferencedSOPInstanceUID": "1.2.3.4.5\\1.2"}, ["1.2.3"]),
    ({"ReferencedImageSequence.ReferencedFrameNumber": "3"}, ["1.2.3"]),
    ({"ConceptNameCodeSequence.CodeMeaning": "*"}, ["1.2.3", "1.2.4"]),
)


def test_what_is_particular_is_found_too(archived, get, settings, edited):
    image = pydicom.Dataset()
    image.ReferencedSOPInstanceUID, image.ReferencedFrameNumber = "1.2.3.4.5", [1, 3]
    particular = {
        "SpecificCharacterSet": "ISO_IR 192",
        "SOPInstanceUID": "1.2.3",
        "ImageComments": '100% [of] it ]}" and more',
        "ContentCreatorName": "Müller^Hans=山田=ヤマダ",
        "ContentTime": "10",
        "ContentDate": "20040119",
        "ReferencedImageSequence": [image],
    }
    plain = {"SOPInstanceUID": "1.2.4", "ContentTime": "1023", "ContentDate": "20031231"}
    instances = archived.add(edited(CT, **particular), edited(MR, **plain))
    load(archived, instances, settings)
    for query, expected in PARTICULAR:
        assert found(get("/instances", query)) == expected, query
        assert found(by_documents(get, settings, query)) == expected, query


def test_pages_and_what_remains(archived, get, settings, edited):
    copies = [edited(CT, SOPInstanceUID=f"1.2.{number}", InstanceNumber=number) for number in range(1, 6)]
    load(archived, archived.add(*copies, MR), settings)
    pages = [get("/instances", {"KVP": "120", "limit": 2, "offset": offset}) for offset in (0, 2, 4)]
    assert [uid for page in pages for uid in found(page)] == [f"1.2.{number}" for number in range(1, 6)]
    assert "There are 3 additional results" in pages[0]["Warning"]
    assert "There are 1 additional results" in pages[1]["Warning"]
    assert "Warning" not in pages[2]
    (model,) = json_of(get("/instances", {"SOPInstanceUID": "1.2.4", "includefield": "all"}))
    assert model["00181151"]
    assert model["00080056"]["Value"] == ["ONLINE"]
    study, series = model["0020000D"]["Value"][0], model["0020000E"]["Value"][0]
    assert model["00081190"]["Value"][0].endswith(f"/studies/{study}/series/{series}/instances/1.2.4")


def test_tenants_and_what_is_gone_are_kept_apart(archived, get, settings, edited):
    mine = archived.add(edited(CT, SOPInstanceUID="1.2.1"), edited(CT, SOPInstanceUID="1.2.2"), MR)
    load(archived, mine, settings)
    theirs = archived.add(edited(CT, SOPInstanceUID="1.2.3"), MR, tenant="other")
    load(archived, theirs, settings)
    assert found(get("/instances", {"KVP": "120"})) == ["1.2.1", "1.2.2"]
    assert found(get("/instances", {"KVP": "120"}, root="/tenants/other/dicom-web")) == ["1.2.3"]
    gone = mine[0]
    path = instance_path("default", gone.study_instance_uid, gone.series_instance_uid, gone.sop_instance_uid)
    archived.store.absolute(path).unlink()
    assert found(get("/instances", {"KVP": "120"})) == ["1.2.2"]


@pytest.mark.parametrize(
    ("path", "tag", "expected"),
    [
        ("/studies", "0020000D", ["1", "3", "5"]),
        ("/series", "0020000E", ["1.1", "1.2", "3.1", "5.1"]),
    ],
)
def test_studies_and_series_are_found_by_headers(archived, get, settings, edited, path, tag, expected):
    def one(series, **attributes):
        study = series.partition(".")[0]
        uids = {"StudyInstanceUID": study, "SeriesInstanceUID": series, "SOPInstanceUID": f"{series}.1"}
        return edited(CT, **uids, PatientID=study, **attributes)

    moment = {"AcquisitionDateTime": "20260102233000+0100"}
    files = [one(series, KVP="99", **moment) for series in ("5.1", "3.1", "1.2", "1.1")]
    instances = archived.add(*files, one("2.1", AcquisitionDateTime="20260102"), one("4.1"))
    load(archived, instances, settings)
    for query in ({"KVP": "99"}, {"AcquisitionDateTime": "20260102223000+0000"}):
        pages = [get(path, {**query, "limit": 2, "offset": offset}) for offset in (0, 2, 4)]
        assert [model[tag]["Value"][0] for page in pages for model in json_of(page)] == expected
        documents = json_of(by_documents(get, settings, query, path))
        assert [model[tag]["Value"][0] for model in documents] == expected
    assert "additional results" in get(path, {"KVP": "99", "limit": 2})["Warning"]
    without = {"AcquisitionComments": '""', "emptyvaluematching": "true", "KVP": "99"}
    assert len(json_of(get(path, without))) == len(expected)
    assert json_of(get(path, {"KVP": '""', "emptyvaluematching": "true"})) == []


def test_names_are_matched_word_by_word(archived, get, settings, edited):
    instances = archived.add(
        edited(CT, SOPInstanceUID="1.2.1", ContentCreatorName="van der Berg^Anna-Lena"),
        edited(
            CT,
            SOPInstanceUID="1.2.2",
            SpecificCharacterSet="ISO_IR 192",
            ContentCreatorName="Berger^Hans=山田^太郎",
        ),
        edited(MR, SOPInstanceUID="1.2.3"),
    )
    load(archived, instances, settings)
    for name, expected in (
        ("lena berg", ["1.2.1"]),
        ("BERG", ["1.2.1", "1.2.2"]),
        ("hans", ["1.2.2"]),
        ("der", ["1.2.1"]),
        ("erg", []),
    ):
        query = {"ContentCreatorName": name, "fuzzymatching": "true"}
        assert found(get("/instances", query)) == expected, name
        assert found(by_documents(get, settings, query)) == expected, name


def test_pages_are_in_the_same_order_wherever_they_come_from(archived, get, settings, edited):
    copies = [edited(CT, SOPInstanceUID=f"1.2.{number}", InstanceNumber=9 - number) for number in range(1, 6)]
    load(archived, archived.add(MR, *copies), settings)
    for query in ({"KVP": "120"}, {"KVP": "120", "limit": 2, "offset": 1}):
        uids = [model["00080018"]["Value"] for model in json_of(get("/instances", query))]
        assert len(uids) == query.get("limit", len(copies))
        assert uids == [model["00080018"]["Value"] for model in json_of(by_documents(get, settings, query))]


def test_a_query_that_takes_too_long_is_given_up(filling, get, settings, edited):
    """Long for its limit of a millisecond: every header is taken apart six times."""
    home = {"DICOMHUB_HOME": str(filling.environment.home), "STORE_RESERVE_BYTES": "0"}
    settings.ENVIRONMENT = read_environment({**home, "QIDO_MAX_SERIES": "1", "QIDO_MAX_SECONDS": "0.001"})
    filling.add(edited(CT), MR)
    warehouse = open_warehouse(settings.ENVIRONMENT.warehouse)
    warehouse.initialise()
    header = {f"0018{number:04X}": {"vr": "LO", "Value": ["abc" * 20]} for number in range(60)}
    header["00181030"] = {"vr": "LO", "Value": ["head"]}
    rows = (making.image_row(1, 1, number) | {"header": header} for number in range(20_000))
    assert warehouse.load(IMAGE_META, uuid4().hex, making.ndjson(rows)).is_in
    keys = ("AcquisitionDeviceProcessingDescription", "AcquisitionComments", "FilterType", "ImageComments")
    response = get("/instances", dict.fromkeys(keys, '""') | {"emptyvaluematching": "true"})
    assert response.status_code == 503
    assert "took too long" in json_of(response)["error"]
    assert json_of(response)["detail"] == keys[0]
    assert response["Retry-After"]


def test_a_live_server_says_which_key_needs_the_warehouse(transactional_db, tmp_path):
    home = tmp_path / "home"
    settings = {"DATABASE_URL": database_url(), "QIDO_MAX_SERIES": "1", "DICOMHUB_HOME": str(home)}
    with serving(home, CT, MR, **settings) as server:

        def search(**query):
            return requests.get(f"{server.dicomweb}/instances", query, timeout=60)

        refused = search(KVP="120")
        assert (refused.status_code, refused.json()["detail"]) == (503, "KVP")
        assert refused.headers["Retry-After"]
        assert "home" not in refused.text
        assert len(search().json()) == 2
        assert len(search(KVP="120", PatientID="1CT1").json()) == 1
        warehouse = open_warehouse(read_environment(settings).warehouse)
        warehouse.initialise()
        assert search(KVP="120").json() == []
        load_all(server, warehouse, settings)
        assert [model["00080060"]["Value"] for model in search(KVP="120").json()] == [["CT"]]
        shutil.rmtree(home / "warehouse")
        assert search(KVP="120").status_code == 503
        assert search(Modality="CT").status_code == 200


def load_all(server, warehouse, settings):
    for path in (CT, MR):
        uid = str(pydicom.dcmread(path).SOPInstanceUID)
        study = str(pydicom.dcmread(path).StudyInstanceUID)
        series = str(pydicom.dcmread(path).SeriesInstanceUID)
        (model,) = requests.get(
            f"{server.dicomweb}/studies/{study}/series/{series}/metadata", timeout=60
        ).json()
        instance = stored(1, study_instance_uid=study, series_instance_uid=series, sop_instance_uid=uid)
        assert warehouse.load(IMAGE_META, uuid4().hex, image_row(instance, orjson.dumps(model)) + b"\n").is_in
