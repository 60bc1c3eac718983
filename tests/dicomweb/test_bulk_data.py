"""All bulk data, and all pixels, of a resource: what is missing is said."""

import pydicom
import pytest
from pydicom.encaps import encapsulate, generate_frames

from dicomhub.dicomweb.http.negotiation import NotAcceptable
from dicomhub.standard.uid import new_uid
from tests.dicomweb.addressing import path_of
from tests.dicomweb.reading import parts_of
from tests.support.damage import damaged_unseen
from tests.support.samples import sample

CT = sample("CT_small.dcm")
JPEG_2000 = sample("MR_small_jp2klossless.dcm")
OCTETS = 'multipart/related; type="application/octet-stream"'


@pytest.fixture
def series_of(filling, edited):
    """The path of a series of these: their pixels are whole, broken or native. They are sent in this order."""

    def archive(*kinds):
        uids = {"StudyInstanceUID": new_uid(), "SeriesInstanceUID": new_uid()}
        paths = [
            edited(CT if kind == "native" else JPEG_2000, SOPInstanceUID=f"1.2.3.{number}", **uids)
            for number, kind in enumerate(kinds)
        ]
        for path, kind in zip(paths, kinds, strict=True):
            if kind == "broken":
                spoil(path)
        instance, *_ = filling.archive(*paths)
        return path_of(instance).partition("/instances/")[0]

    return archive


def spoil(path):
    data_set = pydicom.dcmread(path)
    (frame,) = generate_frames(data_set.PixelData, number_of_frames=1)
    data_set.PixelData = encapsulate([frame[:200] + bytes(len(frame) - 200)])
    data_set.save_as(path)


def test_what_cannot_be_had_so_is_said(get, series_of):
    path = series_of("native", "whole")
    for method in ("get", "head"):
        response = get(f"{path}/pixeldata", accept='multipart/related; type="image/jp2"', method=method)
        assert response.status_code == 206
        assert "1 values cannot be had" in response["Warning"]
    response = get(f"{path}/pixeldata", accept='multipart/related; type="image/jp2"')
    assert len(parts_of(response)) == 1
    assert len(parts_of(get(f"{path}/pixeldata", accept=OCTETS))) == 2


def test_what_cannot_be_decoded_is_said_before_anything_is_sent(get, series_of):
    path = series_of("broken", "whole")
    response = get(f"{path}/pixeldata", accept=OCTETS)
    assert response.status_code == 206
    assert response["Warning"]
    ((headers, _),) = parts_of(response)
    assert "/instances/1.2.3.1/" in headers["Content-Location"]
    assert get(f"{path}/instances/1.2.3.0/bulkdata", accept=OCTETS).status_code == 406


def test_what_cannot_be_decoded_later_breaks_the_answer_off(get, series_of):
    response = get(f"{series_of('whole', 'broken')}/pixeldata", accept=OCTETS)
    assert response.status_code == 200
    with pytest.raises(NotAcceptable):
        b"".join(response.streaming_content)


@pytest.mark.parametrize("route", ["bulkdata", "pixeldata"])
def test_what_is_damaged_is_left_out_and_said(filling, get, edited, route):
    uids = {"StudyInstanceUID": "1", "SeriesInstanceUID": "1.2"}
    one, other, good = filling.add(*(edited(CT, **uids) for _ in range(3)))
    filling.store.absolute(one.path).write_bytes(b"no DICOM file")
    damaged_unseen(filling.store.absolute(other.path))
    for method in ("get", "head"):
        response = get(f"{path_of(good, 'series')}/{route}", accept=OCTETS, method=method)
        assert response.status_code == 206
        assert "2 instances are damaged in the archive" in response["Warning"]
    parts = parts_of(get(f"{path_of(good, 'series')}/{route}", accept=OCTETS))
    assert parts
    assert all(path_of(good) in headers["Content-Location"] for headers, _ in parts)
    damaged_unseen(filling.store.absolute(good.path))
    response = get(f"{path_of(good, 'series')}/{route}", accept=OCTETS)
    assert response.status_code == 404
    assert response.json()["error"].endswith("is damaged in the archive")
