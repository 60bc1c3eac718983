"""WADO-URI: one object by its UIDs, in the form that the query asks for."""

from io import BytesIO

import numpy as np
import pydicom
import pytest
from PIL import Image

from dicomhub.tenants.models import Tenant
from tasks.transcode.picture_order import Annotation, Region, Viewport, Window
from tests.dicomweb.reading import body_of
from tests.support.samples import sample
from tests.transcode.drawing import drawn

CT, CINE, REPORT = (sample(name) for name in ("CT_small.dcm", "examples_ybr_color.dcm", "test-SR.dcm"))


@pytest.fixture
def wado(client, filling):
    """A GET of a file's object, with parameters; None takes one away."""
    filling.add(CT, CINE, REPORT)

    def request(path, *, root="", method="get", accept="*/*", **query):
        data_set = pydicom.dcmread(path, stop_before_pixels=True)
        uids = {
            "requestType": "WADO",
            "studyUID": data_set.StudyInstanceUID,
            "seriesUID": data_set.SeriesInstanceUID,
            "objectUID": data_set.SOPInstanceUID,
        }
        wanted = {name: value for name, value in (uids | query).items() if value is not None}
        return getattr(client, method)(f"{root}/wado", wanted, headers={"Accept": accept})

    return request


def pixels_of(response):
    return np.asarray(Image.open(BytesIO(body_of(response))))


def test_what_is_asked_for_is_drawn(wado):
    response = wado(CT)
    assert (response.status_code, response["Content-Type"]) == (200, "image/jpeg")
    response = wado(
        CT,
        contentType="image/png,image/jpeg;q=0.5",
        rows="50",
        columns="200",
        region="0.25,0.5,1,1",
        windowCenter="300",
        windowWidth="900",
        annotation="technique",
        charset="UTF-8",
    )
    assert response["Content-Type"] == "image/png"
    wanted = drawn(
        CT,
        window=Window(center=300, width=900),
        viewport=Viewport(
            columns=200,
            rows=50,
            region=Region(left=0.25, top=0.5, width=0.75, height=0.5, is_relative=True),
        ),
        annotations=(Annotation.TECHNIQUE,),
    )
    assert np.array_equal(pixels_of(response), wanted)
    assert pixels_of(wado(CT, rows="64")).shape == (64, 64)
    assert len(body_of(wado(CT, imageQuality="1"))) < len(body_of(wado(CT)))


def test_a_frame_is_the_first_unless_another_is_named(wado):
    for number, asked in ((1, None), (7, "7")):
        response = wado(CINE, contentType="image/png", frameNumber=asked)
        assert np.array_equal(pixels_of(response), drawn(CINE, number))
    assert wado(CINE, frameNumber="31").status_code == 400
    assert wado(CT, frameNumber="1").status_code == 200
    assert Image.open(BytesIO(body_of(wado(CINE, contentType="image/gif", rows="40")))).n_frames > 20


def test_the_dicom_file_comes_where_it_is_asked_for_or_all_there_is(wado):
    for response in (wado(CT, contentType="application/dicom"), wado(CT, accept="application/dicom")):
        assert response["Content-Type"] == "application/dicom"  # PS3.18 8.7.3.5.2: no parameters
        assert response["Content-Location"].startswith("http://testserver/wado?")  # 9.4.3
        received = pydicom.dcmread(BytesIO(body_of(response)))
        assert received.PixelData == pydicom.dcmread(CT).PixelData
    stored = wado(CINE, contentType="application/dicom", transferSyntax="1.2.840.10008.1.2.4.50")
    assert pydicom.dcmread(BytesIO(body_of(stored))).file_meta.TransferSyntaxUID.endswith(".4.50")
    refused = wado(CT, contentType="application/dicom", transferSyntax="1.2.840.10008.1.2.4.50")
    assert refused.status_code == 406
    windowed = wado(CT, contentType="application/dicom", windowCenter="1", windowWidth="2")
    assert windowed.status_code == 400  # 9.5.1.2.6
    report = wado(REPORT)
    assert pydicom.dcmread(BytesIO(body_of(report))).Modality == "SR"
    assert wado(REPORT, contentType="image/jpeg").status_code == 406


def test_nothing_is_sent_in_place_of_what_is_asked_for(wado):
    """Least of all what is not anonymous."""
    for content_type in ("image/jpeg", "application/dicom"):
        response = wado(CT, contentType=content_type, anonymize="yes")
        assert (response.status_code, response.json()["detail"]) == (400, "anonymize")
    assert wado(CT, contentType="image/webp").status_code == 406
    for name in ("presentationUID", "presentationSeriesUID"):
        assert wado(CT, **{name: "1.2.3"}).status_code == 400


BAD = {
    "requestType": [None, "", "wado"],
    "studyUID": [None],
    "objectUID": [None],
    "contentType": ["x", "image/png;q=2"],
    "frameNumber": ["0", "-1", "1,2", "99999999999999"],
    "rows": ["0", "x", "99999"],
    "columns": ["1.5"],
    "region": ["0,0,1", "0,0,0,1", "0,0,1.1,1", "nan,0,1,1", "-0.1,0,1,1"],
    "imageQuality": ["0", "101"],
    "annotation": ["", "patient,"],
    "anonymize": ["", "maybe"],
}


def test_values_that_cannot_be_are_400(wado):
    for name, values in BAD.items():
        for value in values:
            response = wado(CT, **{name: value})
            assert (response.status_code, response.json()["detail"]) == (400, name), value


def test_a_window_has_a_center_and_a_width(wado):
    for query in ({"windowCenter": "1"}, {"windowWidth": "1"}, {"windowCenter": "1", "windowWidth": "0"}):
        assert wado(CT, **query).status_code == 400


def test_an_object_is_its_tenants_own(wado):
    assert wado(CT, objectUID="1.2.3.4").status_code == 404
    assert wado(CT, objectUID="../../etc").status_code == 400
    assert wado(CT, transferSyntax="x", contentType="application/dicom").status_code == 400
    assert wado(CT, root="/tenants/default").status_code == 200
    assert wado(CT, root="/tenants/nobody").status_code == 404
    Tenant.objects.create(name="other")
    assert wado(CT, root="/tenants/other").status_code == 404
    assert wado(CT, method="post").status_code == 405


def test_who_has_it_is_told_so(wado, client):
    response = wado(CT)
    request = response.wsgi_request
    again = client.get(request.get_full_path(), headers={"If-None-Match": response["ETag"]})
    assert again.status_code == 304
    assert body_of(wado(CT, method="head")) == b""
