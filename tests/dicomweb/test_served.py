"""The service in its real surroundings: gunicorn, sockets, and a client that others wrote."""

import warnings
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
import requests
from dicomweb_client.api import DICOMwebClient

from dicomhub.standard.uid import new_uid
from dicomhub.storage.layout import instance_path
from tests.dicomweb.addressing import uids_of
from tests.dicomweb.served import serving
from tests.support.process_memory import forget_peak, peak_bytes
from tests.support.samples import sample

CT = sample("CT_small.dcm")
SAMPLES = (CT, sample("MR_small_implicit.dcm"), sample("image_dfl.dcm"), sample("JPEG2000.dcm"))
EXPLICIT = "1.2.840.10008.1.2.1"
IMPLICIT = "1.2.840.10008.1.2"
LARGE_BYTES = 300 * 1024 * 1024
GROWTH_BYTES = 20 * 1024 * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("served") / "home", *SAMPLES) as server:
        yield server


@pytest.fixture
def client(server):
    return DICOMwebClient(server.dicomweb)


@pytest.fixture(params=SAMPLES, ids=lambda path: path.name)
def sent(request):
    return pydicom.dcmread(request.param)


ANY_SYNTAX = (("application/dicom", "*"),)


def test_retrieve(client, sent):
    study, series, instance = uids_of(sent)
    assert client.retrieve_instance(study, series, instance, media_types=ANY_SYNTAX) == sent
    (received,) = client.retrieve_series(study, series, media_types=ANY_SYNTAX)
    assert received == sent
    (received,) = client.retrieve_study(study, media_types=ANY_SYNTAX)
    assert received == sent
    assert [*client.iter_study(study, media_types=ANY_SYNTAX)] == [sent]


def test_retrieve_by_default(client):
    sent = pydicom.dcmread(SAMPLES[1])
    (received,) = client.retrieve_study(uids_of(sent)[0])
    assert received.file_meta.TransferSyntaxUID == EXPLICIT
    assert received == sent


def test_metadata(client, sent):
    study, series, instance = uids_of(sent)
    model = client.retrieve_instance_metadata(study, series, instance)
    assert client.retrieve_series_metadata(study, series) == [model]
    assert client.retrieve_study_metadata(study) == [model]
    assert model["00080018"]["Value"] == [instance]


def test_bulk_data(client):
    sent = pydicom.dcmread(CT)
    model = client.retrieve_instance_metadata(*uids_of(sent))
    uri = model["7FE00010"]["BulkDataURI"]
    assert client.retrieve_bulkdata(uri, media_types=("application/octet-stream",)) == [sent.PixelData]
    assert b"".join(client.iter_bulkdata(uri)) == sent.PixelData


def test_frames(client):
    sent = pydicom.dcmread(CT)
    for media_types in (None, ("application/octet-stream",), (("application/octet-stream", EXPLICIT),)):
        assert client.retrieve_instance_frames(*uids_of(sent), [1], media_types=media_types) == [
            sent.PixelData
        ]
    assert list(client.iter_instance_frames(*uids_of(sent), [1])) == [sent.PixelData]
    (encoded,) = client.retrieve_instance_frames(*uids_of(sent), [1], media_types=("image/jp2",))
    assert encoded.startswith(b"\xff\x4f\xff\x51")


def test_search(client, sent):
    study, series, instance = uids_of(sent)
    (found,) = client.search_for_studies(
        search_filters={"StudyInstanceUID": study}, fields=["StudyDescription"]
    )
    assert found["00201208"]["Value"] == [1]
    (found,) = client.search_for_series(study, search_filters={"Modality": sent.Modality})
    assert found["0020000E"]["Value"] == [series]
    (found,) = client.search_for_instances(study, series)
    assert found["00080018"]["Value"] == [instance]
    (found,) = client.search_for_instances(search_filters={"SOPInstanceUID": instance})
    assert found["00080018"]["Value"] == [instance]
    with warnings.catch_warnings(action="ignore"):  # the client passes our Warning header on
        pages = client.search_for_studies(limit=1, get_remaining=True)
    assert len(pages) == len(SAMPLES)
    assert client.search_for_studies(search_filters={"PatientID": "nobody"}) == []


def test_a_connection_is_kept_and_head_has_no_body(server):
    study = uids_of(pydicom.dcmread(CT))[0]
    url = f"{server.dicomweb}/studies/{study}"
    with requests.Session() as session:
        for _ in range(2):
            head = session.head(url, timeout=300)
            assert head.status_code == 200
            body = session.get(url, timeout=300).content
            assert int(head.headers["Content-Length"]) == len(body)
        assert session.head(f"{url}/metadata", timeout=300).status_code == 200
        assert session.get(f"{server.dicomweb}/nothing", timeout=300).status_code == 404


def large_instance(home: Path, transfer_syntax: str) -> str:
    """Put an instance with LARGE_BYTES of pixels (a hole in its file) into the store; the path of its resource."""
    data_set = pydicom.dcmread(CT)
    data_set.SOPInstanceUID = data_set.file_meta.MediaStorageSOPInstanceUID = new_uid()
    data_set.StudyInstanceUID = data_set.SeriesInstanceUID = new_uid()
    data_set.file_meta.TransferSyntaxUID = transfer_syntax
    del data_set.PixelData
    for element in list(data_set.group_dataset(0xFFFC)):
        del data_set[element.tag]
    buffer = BytesIO()
    is_implicit = transfer_syntax == IMPLICIT
    data_set.save_as(buffer, implicit_vr=is_implicit, little_endian=True, enforce_file_format=True)
    buffer.write(
        b"\xe0\x7f\x10\x00" + (b"" if is_implicit else b"OW\0\0") + LARGE_BYTES.to_bytes(4, "little")
    )
    study, series, instance = uids_of(data_set)
    path = home / "store" / instance_path("default", study, series, instance)
    path.parent.mkdir(parents=True)
    path.write_bytes(buffer.getvalue())
    with path.open("r+b") as file:
        file.truncate(len(buffer.getvalue()) + LARGE_BYTES)
    return f"/studies/{study}/series/{series}/instances/{instance}"


def received_bytes(url: str, accept: str) -> int:
    with requests.get(url, headers={"Accept": accept}, stream=True, timeout=300) as response:
        response.raise_for_status()
        return sum(map(len, response.iter_content(1024 * 1024)))


@pytest.mark.parametrize("transfer_syntax", [EXPLICIT, IMPLICIT])
@pytest.mark.parametrize(
    ("resource", "accept"),
    [
        ("", "multipart/related"),
        ("", "application/dicom"),
        ("/bulkdata/7FE00010", "application/octet-stream"),
    ],
)
def test_a_large_instance_takes_no_memory(server, transfer_syntax, resource, accept):
    received_bytes(f"{server.dicomweb}/studies/{uids_of(pydicom.dcmread(CT))[0]}", "multipart/related")
    url = server.dicomweb + large_instance(server.home, transfer_syntax) + resource
    forget_peak(server.worker_pid())
    before = peak_bytes(server.worker_pid())
    assert received_bytes(url, accept) >= LARGE_BYTES
    assert peak_bytes(server.worker_pid()) - before < GROWTH_BYTES
