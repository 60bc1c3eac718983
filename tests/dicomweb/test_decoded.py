"""Pixels that are decoded on request, by a real gunicorn: right, within limits, and never in its worker."""

import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
import pydicom
import pytest
import requests

from dicomhub.standard.uid import new_uid
from tests.dicomweb.addressing import uids_of
from tests.dicomweb.served import serving
from tests.support.incoming import being_written
from tests.support.process_memory import forget_peak, peak_bytes
from tests.support.samples import sample
from tests.transcode.bad_decoders import ABORT, EAT, HANG, burden, spoil

EXPLICIT = "1.2.840.10008.1.2.1"
JPEG_2000_LOSSLESS = "1.2.840.10008.1.2.4.90"
JPEG_LS = "1.2.840.10008.1.2.4.80"
RLE = "1.2.840.10008.1.2.5"
JPEG_LOSSLESS = "1.2.840.10008.1.2.4.70"
SAMPLES = (
    "MR_small_jp2klossless.dcm",
    "MR_small_RLE.dcm",
    "JPEG-LL.dcm",
    "JPEG2000.dcm",
    "emri_small_RLE.dcm",
)
SECONDS = 3.0
LARGE_ROWS, LARGE_FRAMES = 1448, 20
CINE_ROWS, CINE_FRAMES = 180, 1000
GROWTH_BYTES = 20 * 1024 * 1024


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("decoded")


def renamed(data_set, *, study=None, series=None):
    """The samples share their UIDs: with some of its own, and the name of a file that has them."""
    data_set.SOPInstanceUID = data_set.file_meta.MediaStorageSOPInstanceUID = new_uid()
    data_set.StudyInstanceUID, data_set.SeriesInstanceUID = study or new_uid(), series or new_uid()
    return f"{data_set.SOPInstanceUID}.dcm"


@pytest.fixture(scope="module")
def good(folder):
    paths = {}
    for name in SAMPLES:
        data_set = pydicom.dcmread(sample(name))
        paths[name] = folder / renamed(data_set)
        data_set.save_as(paths[name])
    return paths


@pytest.fixture(scope="module")
def bad(folder):
    """A file for each deed, in a series of one study with a good one."""
    paths = {}
    study, series = new_uid(), new_uid()
    for deed in (HANG, ABORT, EAT, b""):
        data_set = pydicom.dcmread(sample(SAMPLES[0]))
        paths[deed] = folder / renamed(data_set, study=study, series=series)
        if deed:
            spoil(data_set, deed)
        data_set.save_as(paths[deed])
    return paths


@pytest.fixture(scope="module")
def burdened(folder):
    """Its first decoders abort, and others read it."""
    data_set = pydicom.dcmread(sample(SAMPLES[0]))
    path = folder / renamed(data_set)
    burden(data_set, ABORT)
    data_set.save_as(path)
    return path


@pytest.fixture(scope="module")
def large(folder):
    """20 frames of 4 MiB each."""
    data_set = pydicom.dcmread(sample("MR_small_RLE.dcm"))
    data_set.Rows = data_set.Columns = LARGE_ROWS
    frame = np.arange(LARGE_ROWS * LARGE_ROWS).reshape(LARGE_ROWS, LARGE_ROWS) // 128
    data_set.compress(RLE, arr=frame.astype("<i2"), generate_instance_uid=False)
    (one,) = pydicom.encaps.generate_frames(data_set.PixelData, number_of_frames=1)
    data_set.PixelData = pydicom.encaps.encapsulate([one] * LARGE_FRAMES)
    data_set.NumberOfFrames = LARGE_FRAMES
    path = folder / renamed(data_set)
    data_set.save_as(path)
    return path


@pytest.fixture(scope="module")
def cine(folder):
    """1000 frames of 64 KiB: so far apart that whoever touches each of them has the whole file in memory."""
    data_set = pydicom.dcmread(sample("MR_small_RLE.dcm"))
    data_set.Rows = data_set.Columns = CINE_ROWS
    frame = np.random.default_rng(1).integers(0, 4096, (CINE_ROWS, CINE_ROWS), "<i2")
    data_set.compress(RLE, arr=frame, generate_instance_uid=False)
    (one,) = pydicom.encaps.generate_frames(data_set.PixelData, number_of_frames=1)
    data_set.PixelData = pydicom.encaps.encapsulate([one] * CINE_FRAMES, has_bot=False)
    data_set.NumberOfFrames = CINE_FRAMES
    path = folder / renamed(data_set)
    data_set.save_as(path)
    return path


@pytest.fixture(scope="module")
def server(folder, good, bad, burdened, large, cine):
    with serving(
        folder / "home",
        *good.values(),
        *bad.values(),
        burdened,
        large,
        cine,
        CODEC_MODULES="tests.transcode.bad_decoders",
        CODEC_PROCESSES="2",
        CODEC_SECONDS=str(SECONDS),
        CODEC_MEMORY_BYTES=str(512 * 1024**2),
    ) as server:
        # So that none waits for the start of codec processes.
        assert get(server, good[SAMPLES[0]], "application/dicom").status_code == 200
        yield server


def address(server, path, level="instance"):
    study, series, instance = uids_of(pydicom.dcmread(path, stop_before_pixels=True))
    url = f"{server.dicomweb}/studies/{study}/series/{series}"
    return f"{url}/instances/{instance}" if level == "instance" else url


def get(server, path, accept, level="instance"):
    return requests.get(address(server, path, level), headers={"Accept": accept}, timeout=120)


def is_tidy(server):
    return not being_written(server.home / "store")


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("uid", ["", EXPLICIT, JPEG_LS, JPEG_2000_LOSSLESS, RLE])
def test_pixels_are_the_same_in_what_was_asked_for(server, good, name, uid):
    stored = pydicom.dcmread(good[name])
    response = get(
        server, good[name], f"application/dicom;transfer-syntax={uid}" if uid else "application/dicom"
    )
    assert response.status_code == 200
    received = pydicom.dcmread(BytesIO(response.content))
    assert received.file_meta.TransferSyntaxUID == (uid or EXPLICIT)
    assert received.SOPInstanceUID == stored.SOPInstanceUID
    assert np.array_equal(received.pixel_array, stored.pixel_array)
    assert is_tidy(server)


def test_as_stored_is_still_as_stored(server, good):
    path = good[SAMPLES[0]]
    for uid in ("*", JPEG_2000_LOSSLESS):
        response = get(server, path, f"application/dicom;transfer-syntax={uid}")
        assert pydicom.dcmread(BytesIO(response.content)).PixelData == pydicom.dcmread(path).PixelData


def test_what_there_is_no_encoder_for_is_406(server, good):
    response = get(server, good[SAMPLES[0]], f"application/dicom;transfer-syntax={JPEG_LOSSLESS}")
    assert response.status_code == 406
    offered = " ".join(response.json()["available"])
    assert all(uid in offered for uid in (EXPLICIT, JPEG_2000_LOSSLESS, JPEG_LS, RLE))


@pytest.mark.parametrize(
    ("deed", "accept"),
    [(HANG, "application/dicom"), (ABORT, "multipart/related"), (EAT, "application/dicom")],
    ids=["hang", "abort", "eat"],
)
def test_a_decoder_that_fails_is_an_error_within_its_limit(server, good, bad, deed, accept):
    other = good[SAMPLES[0]]
    worker = server.worker_pid()
    with ThreadPoolExecutor(1) as executor:
        began_at = time.monotonic()
        failing = executor.submit(get, server, bad[deed], accept)
        # Others are served meanwhile, and at once afterwards.
        assert get(server, other, "application/dicom").status_code == 200
        response = failing.result()
    assert response.status_code == 406
    assert JPEG_2000_LOSSLESS in response.json()["available"][0]
    assert time.monotonic() - began_at < 60.0
    assert get(server, other, "application/dicom").status_code == 200
    assert server.worker_pid() == worker
    assert is_tidy(server)


def test_another_decoder_is_asked_and_the_first_one_proves_nothing(server, burdened):
    response = get(server, burdened, "application/dicom")
    assert response.status_code == 200
    expected = pydicom.dcmread(sample(SAMPLES[0])).pixel_array
    assert np.array_equal(pydicom.dcmread(BytesIO(response.content)).pixel_array, expected)


def test_those_that_cannot_be_decoded_are_left_out_of_a_series(server, bad):
    response = get(server, bad[b""], "multipart/related", "series")
    assert response.status_code == 200
    whole = pydicom.dcmread(bad[b""]).SOPInstanceUID
    assert response.content.count(b"Content-Location") == 1
    assert f"/instances/{whole}".encode() in response.content


def test_head_decodes_nothing(server, bad):
    for level, accept in (("instance", "application/dicom"), ("series", "multipart/related")):
        # It would hang, and be 406 in the end.
        response = requests.head(address(server, bad[HANG], level), headers={"Accept": accept}, timeout=60)
        assert response.status_code == 200
        assert response.headers["Content-Type"].startswith(accept)
        assert "Content-Length" not in response.headers


def test_a_large_instance_takes_no_memory_of_the_worker(server, large):
    forget_peak(server.worker_pid())
    before = peak_bytes(server.worker_pid())
    with requests.get(
        address(server, large), headers={"Accept": "application/dicom"}, stream=True, timeout=300
    ) as response:
        assert response.status_code == 200
        received = sum(map(len, response.iter_content(1024 * 1024)))
    assert received > LARGE_FRAMES * LARGE_ROWS**2 * 2
    assert peak_bytes(server.worker_pid()) - before < GROWTH_BYTES
    assert is_tidy(server)


@pytest.mark.parametrize("transfer_syntax", [RLE, EXPLICIT])
def test_a_frame_costs_the_memory_of_a_frame(server, cine, transfer_syntax):
    forget_peak(server.worker_pid())
    before = peak_bytes(server.worker_pid())
    accept = f"application/octet-stream; transfer-syntax={transfer_syntax}"
    response = requests.get(f"{address(server, cine)}/frames/500", headers={"Accept": accept}, timeout=60)
    assert response.status_code == 200
    if transfer_syntax == EXPLICIT:
        assert len(response.content) == CINE_ROWS**2 * 2
    assert peak_bytes(server.worker_pid()) - before < GROWTH_BYTES
