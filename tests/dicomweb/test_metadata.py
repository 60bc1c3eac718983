import gzip
from itertools import pairwise

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from dicomhub.dicomweb.retrieve.metadata import blocks_with_bulk_data_base, with_bulk_data_base
from dicomhub.metadata.instance_model import BULK_DATA_BASE
from dicomhub.metadata.seal import SEAL_BYTES
from dicomhub.standard.dicom_json import bulk_data_uris
from dicomhub.standard.native_model import write_native_model
from dicomhub.storage.layout import series_metadata_path, study_metadata_path
from tests.dicomweb.addressing import path_of
from tests.dicomweb.reading import body_of, json_of, parts_of
from tests.standard.native_model_reading import read_native_model
from tests.support.samples import sample

CT = sample("CT_small.dcm")
JPEG_2000 = sample("MR_small_jp2klossless.dcm")
MR_BIG_ENDIAN = sample("MR_small_bigendian.dcm")
WAVEFORM = sample("waveform_ecg.dcm")


def uids(models):
    return [model["00080018"]["Value"][0] for model in models]


@pytest.mark.parametrize("level", ["instance", "series", "study"])
def test_metadata_is_a_data_set_an_instance(filling, get, level):
    (instance,) = filling.add(CT)
    response = get(f"{path_of(instance, level)}/metadata")
    assert response["Content-Type"] == "application/dicom+json"
    (model,) = json_of(response)
    found = Dataset.from_json(model, lambda _uri: b"")
    expected = pydicom.dcmread(CT)
    for element in expected:
        if element.keyword not in {"PixelData", ""} and element.VR != "SQ":
            assert found[element.tag].value == element.value


@pytest.mark.parametrize("state", ["archived", "indexed", "documented"])
def test_metadata_is_never_missing_or_old(filling, get, edited, state):
    (first,) = filling.add(edited(CT, SeriesInstanceUID="1.2", StudyInstanceUID="1"))
    (second,) = filling.archive(edited(CT, SeriesInstanceUID="1.2", StudyInstanceUID="1"))
    if state == "indexed":
        filling.index([second])
    elif state == "documented":
        filling.add(filling.store.absolute(second.path))
    both = {first.sop_instance_uid, second.sop_instance_uid}
    assert set(uids(json_of(get(f"{path_of(second)}/metadata")))) == {second.sop_instance_uid}
    for path in ("/studies/1/metadata", "/studies/1/series/1.2/metadata"):
        found = set(uids(json_of(get(path))))
        assert found == both or (state == "archived" and found == {first.sop_instance_uid})


@pytest.mark.parametrize("damage", [None, "missing", "empty", "cut short", "a bit", "without a seal"])
@pytest.mark.parametrize("level", ["series", "study"])
def test_metadata_are_right_whatever_has_become_of_the_document(filling, get, edited, level, damage):
    instances = filling.add(*(edited(CT, SeriesInstanceUID="1.2", StudyInstanceUID="1") for _ in range(5)))
    series_path = series_metadata_path("default", "1", "1.2")
    for path in (series_path, study_metadata_path("default", "1")):
        document = filling.store.absolute(path)
        whole = document.read_bytes()
        if damage == "missing":
            document.unlink()
        elif damage is not None:
            middle = len(whole) // 2
            bit = bytes([whole[middle] ^ 1])
            damaged = {
                "empty": b"",
                "cut short": whole[:-100],
                "a bit": whole[:middle] + bit + whole[middle + 1 :],
                "without a seal": whole[:-SEAL_BYTES],
            }
            document.write_bytes(damaged[damage])
    models = json_of(get(f"{path_of(instances[0], level)}/metadata"))
    assert sorted(uids(models)) == sorted(instance.sop_instance_uid for instance in instances)
    for model in models:
        (one,) = json_of(get(f"/studies/1/series/1.2/instances/{uids([model])[0]}/metadata"))
        assert model == one


@given(st.data(), st.lists(st.sampled_from([f'"BulkDataURI":"{BULK_DATA_BASE}', "x", BULK_DATA_BASE, '"'])))
def test_the_base_of_bulk_data_is_put_in_wherever_blocks_end(data, pieces):
    text = "".join(pieces).encode("ascii")
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    blocks = [text[start:end] for start, end in pairwise([0, *cuts, len(text)])]
    assert b"".join(blocks_with_bulk_data_base(blocks, "http://a")) == with_bulk_data_base(text, "http://a")


def test_metadata_is_compressed_for_those_who_take_it(filling, get):
    (instance,) = filling.add(CT)
    path = f"{path_of(instance, 'series')}/metadata"
    plain, compressed = get(path), get(path, accept_encoding="gzip, deflate, br")
    assert "Content-Encoding" not in plain
    assert compressed["Content-Encoding"] == "gzip"
    body = b"".join(compressed)
    assert gzip.decompress(body) == body_of(plain)
    assert len(body) < len(body_of(get(path))) / 2
    assert "Accept-Encoding" in plain["Vary"]


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "application/dicom+json"),
        ("*/*", "application/dicom+json"),
        ("application/*", "application/dicom+json"),
        ("application/dicom+json", "application/dicom+json"),
        ("application/dicom+json, application/json", "application/dicom+json"),
        ("application/json", "application/json"),
        ("application/json;q=0.9, application/dicom+json;q=0.1", "application/json"),
        ("text/html, */*;q=0.1", "application/dicom+json"),
        ("application/dicom+xml", "application/dicom+xml"),
        ('multipart/related; type="application/dicom"', None),
        ("text/html", None),
        ("application/dicom+json;q=0", None),
    ],
)
def test_media_type_of_metadata(filling, get, accept, content_type):
    (instance,) = filling.add(CT)
    response = get(f"{path_of(instance)}/metadata", accept=accept)
    if content_type is None:
        assert response.status_code == 406
        assert json_of(response)["available"] == [
            "application/dicom+json",
            "application/json",
            'multipart/related; type="application/dicom+xml"',
            "application/dicom+xml",
        ]
    else:
        assert response["Content-Type"] == content_type


@pytest.mark.parametrize("level", ["instance", "series", "study"])
def test_metadata_in_xml_says_what_json_does(filling, get, level):
    instances = filling.add(CT, WAVEFORM, sample("chrX1.dcm"))
    for instance in instances:
        path = f"{path_of(instance, level)}/metadata"
        (model,) = json_of(get(path))
        ((headers, content),) = parts_of(get(path, accept='multipart/related; type="application/dicom+xml"'))
        assert headers["Content-Type"] == "application/dicom+xml"
        assert headers["Content-Location"] == f"http://testserver/dicom-web{path_of(instance)}/metadata"
        attributes = read_native_model(content)
        assert content == write_native_model(model)
        uris = [one.bulk_data_uri for one in attributes if one.bulk_data_uri]
        assert uris == [one["BulkDataURI"] for one in model.values() if "BulkDataURI" in one]
        assert all(uri.startswith("http://testserver/dicom-web/studies/") for uri in uris)


def test_metadata_in_xml_has_a_part_an_instance(filling, get, edited):
    copies = [edited(CT, SeriesInstanceUID="1.2", StudyInstanceUID="1") for _ in range(3)]
    filling.add(*copies)
    accept = 'application/dicom+json;q=0.5, multipart/related; type="application/dicom+xml"'
    response = get("/studies/1/metadata", accept=accept)
    uids = [
        next(one for one in read_native_model(content) if one.keyword == "SOPInstanceUID").values[0]
        for _, content in parts_of(response)
    ]
    assert uids == [model["00080018"]["Value"][0] for model in json_of(get("/studies/1/metadata"))]
    assert len(set(uids)) == 3
    alone = get("/studies/1/metadata", accept="application/dicom+xml")
    assert alone.status_code == 406


def test_accept_can_be_a_query_parameter(filling, get):
    (instance,) = filling.add(CT)
    path = f"{path_of(instance)}/metadata"
    response = get(path, {"accept": "application/json"}, accept="application/dicom+json")
    assert response["Content-Type"] == "application/json"
    assert get(path, {"accept": "*/*"}).status_code == 400
    assert get("/studies", {"accept": "application/json"})["Content-Type"] == "application/json"


@pytest.mark.parametrize("level", ["instance", "series", "study"])
@pytest.mark.parametrize("root", ["/dicom-web", "/tenants/default/dicom-web"])
def test_every_bulk_data_uri_can_be_fetched(filling, get, client, level, root):
    (instance,) = filling.add(WAVEFORM)
    (model,) = json_of(get(f"{path_of(instance, level)}/metadata", root=root))
    found = list(bulk_data_uris(model))
    assert found
    expected = {item.WaveformData for item in pydicom.dcmread(WAVEFORM).WaveformSequence}
    values = set()
    for uri in found:
        assert uri.startswith(f"http://testserver{root}/studies/")
        response = client.get(
            uri.removeprefix("http://testserver"), headers={"accept": "application/octet-stream"}
        )
        assert response.status_code == 200
        values.add(body_of(response))
    assert values == expected


def pixel_data_uri(filling, get, path):
    (instance,) = filling.add(path)
    (model,) = json_of(get(f"{path_of(instance)}/metadata"))
    return model["7FE00010"]["BulkDataURI"].removeprefix("http://testserver/dicom-web")


def test_native_pixel_data_is_little_endian(filling, get):
    expected = pydicom.dcmread(MR_BIG_ENDIAN).pixel_array.astype("<i2").tobytes()
    uri = pixel_data_uri(filling, get, MR_BIG_ENDIAN)
    assert body_of(get(uri, accept="application/octet-stream")) == expected
    ((headers, content),) = parts_of(get(uri))
    assert headers["Content-Type"].params["transfer-syntax"] == "1.2.840.10008.1.2.1"
    assert headers["Content-Location"] == f"http://testserver/dicom-web{uri}"
    assert content == expected


def test_compressed_pixel_data_come_without_item_headers(filling, get):
    accept = "application/octet-stream; transfer-syntax=*"
    response = get(pixel_data_uri(filling, get, JPEG_2000), accept=accept)
    assert response["Content-Type"] == "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.4.90"
    body = body_of(response)
    assert body.startswith(b"\xff\x4f\xff\x51")  # the start of a JPEG 2000 code stream
    assert body.rstrip(b"\0").endswith(b"\xff\xd9")


@pytest.mark.parametrize(
    "path", ["00100010/0", "PatientName", "7FE00010/9/00100010", "00999999", "..", "7FE00010/"]
)
def test_bulk_data_that_is_not_there(filling, get, path):
    (instance,) = filling.add(CT)
    assert get(f"{path_of(instance)}/bulkdata/{path}").status_code == 404
