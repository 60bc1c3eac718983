"""STOW-RS on a real gunicorn: what is answered as stored is on the disk, bit for bit, and in the journal."""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pydicom
import pytest
import requests
from dicomweb_client.api import DICOMwebClient

from dicomhub.standard.uid import new_uid
from tests.dicomweb.served import serving
from tests.dicomweb.storing import (
    BAD_SYNTAX,
    BAD_UIDS,
    BOUNDARY,
    CANNOT_UNDERSTAND,
    STUDY_DIFFERS,
    Part,
    a_model,
    archived,
    failed,
    incoming,
    journalled,
    json_part,
    multipart,
    new_ct,
    post,
    store,
    stored,
)
from tests.standard.reading import instance_files, part10_files, quietly
from tests.support.ct_series import write_ct_series
from tests.support.receiving import data_set_of
from tests.support.samples import sample
from tests.support.waiting import wait_until

CT = sample("CT_small.dcm")
IMAGES = {"1.2.840.10008.1.2.4.91": "image/jp2", "1.2.840.10008.1.2.5": "image/dicom-rle"}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("stow") / "home") as server:
        yield server


def test_every_sample_bit_for_bit(server):
    paths = part10_files()
    response = store(server, multipart(*(Part(path.read_bytes()) for path in paths)))
    assert response.status_code == 202  # there are directories, and broken ones, among them
    assert response.headers["Content-Type"] == "application/dicom+json"
    uids = stored(response)
    assert len(uids) + len(failed(response)) == len(paths)
    files = archived(server)
    assert set(uids) <= set(files)
    sources = {}
    for path in paths:
        with quietly():
            data_set = pydicom.dcmread(path, force=True, stop_before_pixels=True)
            uid = str(data_set.get("SOPInstanceUID", "")).strip()
        sources.setdefault(uid, []).append(data_set_of(path))
        assert uid in uids or path not in instance_files(), path
    for uid in uids:
        assert data_set_of(files[uid]) == sources[uid][-1], uid
    assert not incoming(server)
    wait_until(lambda: set(uids) <= set(journalled(server)), what="the batch is cut once it is quiet")


def test_the_answer(server):
    uid, data = new_ct()
    study = pydicom.dcmread(CT).StudyInstanceUID
    for body, headers in (
        (multipart(Part(data)), {}),
        (iter([multipart(Part(data))[:1000], multipart(Part(data))[1000:]]), {}),  # in chunks
        (multipart(Part(data)), {"study": study, "Accept": "application/json"}),
    ):
        response = store(server, body, **headers)
        assert response.status_code == 200
        assert stored(response) == [uid]
        assert "POST" in response.headers["Allow"]
        url = f"{server.dicomweb}/studies/{study}"
        assert response.json()["00081190"]["Value"] == [url]
        assert (response.headers["Location"], response.headers["Content-Location"]) == (url, url)
        (item,) = response.json()["00081199"]["Value"]
        assert item["00081190"]["Value"][0].endswith(f"/instances/{uid}")
        assert requests.get(f"{item['00081190']['Value'][0]}/metadata", timeout=60).status_code == 200
    response = post(server, data, Content_Type="application/dicom", Accept="application/dicom+xml")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/dicom+xml"
    assert b"ReferencedSOPSequence" in response.content


def test_an_instance_of_another_study_fails_alone(server):
    one, mine = new_ct()
    other, foreign = new_ct(StudyInstanceUID=new_uid())
    study = pydicom.dcmread(CT).StudyInstanceUID
    response = store(server, multipart(Part(foreign), Part(mine)), study=study)
    assert response.status_code == 202
    assert stored(response) == [one]
    assert failed(response) == [(other, STUDY_DIFFERS)]
    response = store(server, multipart(Part(foreign)), study=study)
    assert response.status_code == 409
    assert response.json()["00081190"] == {"vr": "UR"}  # of type 2
    assert "Location" not in response.headers
    assert other not in archived(server)


def test_parts_that_are_no_instances_fail_alone(server):
    uid, data = new_ct()
    no_study, without_study = new_ct(StudyInstanceUID="")
    unknown = data.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.9.1\0", 1)
    body = multipart(
        Part(b"no DICOM"),
        Part(b""),
        Part(b"x", "text/plain"),
        Part(without_study),
        Part(data[:2000]),
        Part(unknown),
        Part(data),
    )
    response = store(server, body)
    assert response.status_code == 202
    assert stored(response) == [uid]
    reasons = [reason for _, reason in failed(response)]
    assert sorted(reasons) == sorted([BAD_UIDS, CANNOT_UNDERSTAND, BAD_SYNTAX, *[CANNOT_UNDERSTAND] * 3])
    assert (no_study, BAD_UIDS) in failed(response)
    assert not incoming(server)


@pytest.mark.parametrize(
    ("body", "part_type"),
    [
        (b"", "application/dicom"),
        (b"garbage" * 100_000, "application/dicom"),
        (f"--{BOUNDARY}--".encode(), "application/dicom"),
        (f"--{BOUNDARY}\r\n\r\n".encode() + CT.read_bytes(), "application/dicom"),
        (multipart(Part(CT.read_bytes()))[:-50], "application/dicom"),
        (multipart(Part(b"[")), "application/dicom+json"),
        (multipart(Part(b"[", "application/dicom+json")), "application/dicom+json"),
        (multipart(Part(b"[]", "application/dicom+json")), "application/dicom+json"),
        (multipart(Part(b"[1]", "application/dicom+json")), "application/dicom+json"),
        (multipart(Part(b"x", "application/octet-stream")), "application/dicom+json"),
        (
            multipart(Part(b"x", "application/octet-stream", {"Content-Location": "x"})),
            "application/dicom+json",
        ),
        (multipart(Part(b"<!DOCTYPE a>", "application/dicom+xml")), "application/dicom+xml"),
    ],
)
def test_malformed_bodies(server, body, part_type):
    before = set(archived(server))
    response = store(server, body, part_type=part_type)
    assert response.status_code == 400
    assert response.json()["detail"] == "body"
    assert not incoming(server)
    assert set(archived(server)) == before


def test_requests_that_are_not_read(server):
    assert post(server, b"x", Content_Type="text/plain").status_code == 415
    assert post(server, b"x").status_code == 415
    assert (
        post(server, b"x", Content_Type="multipart/related; type=image/jpeg; boundary=b").status_code == 415
    )
    assert post(server, b"x", Content_Type="application/dicom", Content_Encoding="gzip").status_code == 415
    assert post(server, b"x", Content_Type="application/dicom", Accept="image/png").status_code == 406
    assert post(server, b"x", Content_Type="application/dicom", study="no-uid").status_code == 400
    root = f"{server.url}/tenants/nobody/dicom-web"
    assert post(server, b"x", root=root, Content_Type="application/dicom").status_code == 404
    assert (
        requests.put(f"{server.dicomweb}/studies", timeout=60).headers["Allow"] == "GET, HEAD, OPTIONS, POST"
    )


def bulk_data_uris(model):
    for attribute in model.values():
        if "BulkDataURI" in attribute:
            yield attribute["BulkDataURI"]
        elif attribute["vr"] == "SQ":
            for item in attribute.get("Value", []):
                yield from bulk_data_uris(item)


@pytest.mark.parametrize("part_type", ["application/dicom+json", "application/dicom+xml"])
@pytest.mark.parametrize(
    "name",
    [
        "CT_small.dcm",
        "MR_small_implicit.dcm",
        "MR_small_bigendian.dcm",
        "JPEG2000.dcm",
        "SC_rgb_rle.dcm",
        "chrH32.dcm",
    ],
)
def test_metadata_and_bulk_data_become_the_instance_again(server, name, part_type):
    source = pydicom.dcmread(sample(name))
    uid = new_uid()
    post(server, sample(name).read_bytes(), Content_Type="application/dicom")
    address = archived_address(server, source)
    (model,) = requests.get(f"{address}/metadata", timeout=60).json()
    model["00080018"]["Value"] = [uid]
    syntax = source.file_meta.TransferSyntaxUID
    accept = f"{IMAGES[syntax]}; transfer-syntax={syntax}" if syntax in IMAGES else "application/octet-stream"
    bulk = []
    for number, uri in enumerate(bulk_data_uris(model)):
        response = requests.get(uri, headers={"Accept": accept}, timeout=60)
        location = f"bulk/{number}"
        model = json.loads(json.dumps(model).replace(f'"{uri}"', f'"{location}"'))
        bulk.append(Part(response.content, response.headers["Content-Type"], {"Content-Location": location}))
    metadata = json_part(model)
    if part_type.endswith("xml"):
        from dicomhub.standard.native_model import write_native_model

        metadata = Part(write_native_model(model), part_type)
    response = store(server, multipart(metadata, *bulk), part_type=part_type)
    assert response.status_code == 200, response.text
    assert stored(response) == [uid]
    again = pydicom.dcmread(archived(server)[uid])
    if source.file_meta.TransferSyntaxUID.is_encapsulated:
        assert again.file_meta.TransferSyntaxUID == source.file_meta.TransferSyntaxUID
    if "PixelData" in source:
        assert np.array_equal(again.pixel_array, source.pixel_array)
    assert again.PatientName == source.PatientName
    assert {element.tag for element in again if element.tag.group % 2 == 0} - {0x00080005} == {
        element.tag for element in source if element.tag.group % 2 == 0 and element.tag.element
    } - {0x00080005}
    assert not incoming(server)


def archived_address(server, data_set):
    return (
        f"{server.dicomweb}/studies/{data_set.StudyInstanceUID}/series/{data_set.SeriesInstanceUID}"
        f"/instances/{data_set.SOPInstanceUID}"
    )


def test_models_of_one_request_fail_alone(server):
    pixels = {"vr": "OW", "BulkDataURI": "pixels"}
    models = [
        a_model(),
        a_model(**{"00080018": {"vr": "UI"}}),
        a_model(**{"00100010": {"vr": "PN", "Value": [1]}}),
        a_model(**{"7FE00010": {"vr": "OW", "BulkDataURI": "nowhere"}}),
        a_model(**{"7FE00010": pixels}),
        a_model(**{"7FE00010": pixels, "00280008": {"vr": "IS", "Value": [2]}}),
    ]
    frame = Part(b"\xff\xd8\xff\xd9x", "image/jpeg", {"Content-Location": "pixels"})
    response = store(
        server,
        multipart(json_part(*models[:3]), frame, json_part(*models[3:])),
        part_type="application/dicom+json",
    )
    assert response.status_code == 202
    uids = [model["00080018"].get("Value", [""])[0] for model in models]
    assert stored(response) == [uids[0], uids[4]]
    assert sorted(failed(response)) == sorted(
        [("", BAD_UIDS), *((uid, CANNOT_UNDERSTAND) for uid in (uids[2], uids[3], uids[5]))]
    )
    pixels = pydicom.dcmread(archived(server)[uids[4]])
    assert pixels.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.70"
    assert pydicom.encaps.get_frame(pixels.PixelData, 0, number_of_frames=1) == b"\xff\xd8\xff\xd9x\0"


def test_frames_are_parts_of_their_own(server):
    model = a_model(**{"7FE00010": {"vr": "OB", "BulkDataURI": "p"}, "00280008": {"vr": "IS", "Value": [3]}})
    frames = [
        Part(f"frame {number}".encode(), "image/jls", {"Content-Location": f"p/frames/{number}"})
        for number in (2, 3, 1)
    ]
    response = store(server, multipart(json_part(model), *frames), part_type="application/dicom+json")
    (uid,) = stored(response)
    data_set = pydicom.dcmread(archived(server)[uid])
    assert data_set.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.80"
    assert [*pydicom.encaps.generate_frames(data_set.PixelData, number_of_frames=3)] == [
        b"frame 1\0"[:8],
        b"frame 2\0",
        b"frame 3\0",
    ]


def test_the_clients_that_others_wrote(server, tmp_path):
    paths = write_ct_series(tmp_path, instances=3, patient_id="CLIENT")
    data_sets = [pydicom.dcmread(path) for path in paths]
    answer = DICOMwebClient(server.dicomweb).store_instances(data_sets)
    assert len(answer.ReferencedSOPSequence) == 3
    body = tmp_path / "body"
    body.write_bytes(multipart(*(Part(path.read_bytes()) for path in paths)))
    for more in (["-H", "Expect: 100-continue"], ["-H", "Transfer-Encoding: chunked"]):
        command = ["curl", "-sS", "-f", "-X", "POST", "-T", body, *more]
        command += ["-H", f'Content-Type: multipart/related; type="application/dicom"; boundary={BOUNDARY}']
        output = subprocess.run(
            [*command, f"{server.dicomweb}/studies"], capture_output=True, check=True
        ).stdout
        assert len(json.loads(output)["00081199"]["Value"]) == 3


def test_many_small_requests_are_few_batches(server):
    before = {path.stem for path in (server.store_root / "journal").iterdir()}
    files = [new_ct() for _ in range(40)]
    with ThreadPoolExecutor(4) as pool:
        responses = [*pool.map(lambda file: post(server, file[1], Content_Type="application/dicom"), files)]
    assert {response.status_code for response in responses} == {200}
    uids = {uid for uid, _ in files}
    wait_until(lambda: uids <= set(journalled(server)), what="all batches are cut")
    after = {path.stem for path in (server.store_root / "journal").iterdir()}
    assert len(after - before) < 10
