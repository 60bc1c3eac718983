"""Rendered and thumbnail resources, by a real gunicorn: what comes, in which form, and what is refused."""

from io import BytesIO

import numpy as np
import pydicom
import pytest
import requests
from django.http import HttpResponse
from PIL import Image
from PIL.ImageCms import ImageCmsProfile
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import EncapsulatedPDFStorage, ExplicitVRLittleEndian

from dicomhub.standard.uid import new_uid
from tasks.transcode.picture_order import Annotation, Region, Viewport, Window, WindowFunction
from tests.dicomweb.reading import parts_of
from tests.dicomweb.served import serving
from tests.support.ct_series import write_ct_series
from tests.support.samples import sample
from tests.transcode.bad_decoders import ABORT, HANG, spoil
from tests.transcode.building import write_instance
from tests.transcode.drawing import drawn

PDF = b"%PDF-1.4 not much of one%%EOF"
MP4 = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(range(256)) * 2000
JPEGS, PNGS = 'multipart/related; type="image/jpeg"', 'multipart/related; type="image/png"'
UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")


def saved(data_set, path, **uids):
    data_set.SOPInstanceUID = data_set.file_meta.MediaStorageSOPInstanceUID = new_uid()
    for keyword in UIDS[:2]:
        setattr(data_set, keyword, uids.get(keyword, new_uid()))
    data_set.save_as(path, enforce_file_format=True)
    return path


def pdf(path, **uids):
    data_set = Dataset()
    data_set.file_meta = FileMetaDataset()
    data_set.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data_set.SOPClassUID = data_set.file_meta.MediaStorageSOPClassUID = EncapsulatedPDFStorage
    data_set.Modality = "DOC"
    data_set.MIMETypeOfEncapsulatedDocument = "application/pdf"
    data_set.EncapsulatedDocument = PDF + b"\0"
    data_set.EncapsulatedDocumentLength = len(PDF)
    data_set.PatientID = "P"
    return saved(data_set, path, **uids)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rendered")
    ct = write_ct_series(folder / "ct", instances=5, patient_id="P")
    for number, path in enumerate(ct):
        data_set = pydicom.dcmread(path)
        data_set.PixelData = (data_set.pixel_array // 2 + 500 * number).astype("<i2").tobytes()
        data_set.save_as(path)
    study = pydicom.dcmread(ct[0]).StudyInstanceUID
    bad = {}
    for deed in (HANG, ABORT):
        data_set = pydicom.dcmread(sample("MR_small_jp2klossless.dcm"))
        spoil(data_set, deed)
        bad[deed] = saved(data_set, folder / f"{deed.hex()}.dcm")
    video = write_instance(
        folder / "video.dcm",
        [MP4],
        syntax="1.2.840.10008.1.2.4.102",
        shape=(64, 64, 3),
        photometric="YBR_PARTIAL_420",
        bits=(8, 8, 7),
        frames=25,
    )
    return {
        "folder": folder,
        "ct": ct,
        "pdf": pdf(folder / "pdf.dcm", StudyInstanceUID=study),
        "document": pdf(folder / "document.dcm"),
        "cine": sample("examples_ybr_color.dcm"),
        "head": sample("693_UNCR.dcm"),
        "report": sample("test-SR.dcm"),
        "video": video,
        **bad,
    }


@pytest.fixture(scope="module")
def server(files):
    paths = [path for name, path in files.items() if name not in ("folder", "ct")]
    with serving(
        files["folder"] / "home",
        *files["ct"],
        *paths,
        CODEC_MODULES="tests.transcode.bad_decoders",
        CODEC_PROCESSES="2",
        CODEC_SECONDS="2",
    ) as server:
        yield server


@pytest.fixture
def get(server):
    """get(path of the file, what of it, Accept, parameters)."""

    def request(path, what="rendered", accept="*/*", *, level=3, method="get", headers=None, **query):
        data_set = pydicom.dcmread(path, stop_before_pixels=True)
        names = ("studies", "series", "instances")
        address = "".join(f"/{name}/{data_set[uid].value}" for name, uid in zip(names, UIDS, strict=True))
        url = server.dicomweb + "/".join(address.split("/")[: 2 * level + 1])
        headers = {"Accept": accept} | (headers or {})
        return requests.request(method, f"{url}/{what}", params=query, headers=headers, timeout=120)

    return request


def parts(response):
    """Content type, location and content of each part."""
    read = parts_of(HttpResponse(response.content, content_type=response.headers["Content-Type"]))
    return [(head["Content-Type"], head["Content-Location"], content) for head, content in read]


def image_of(content):
    return Image.open(BytesIO(content))


@pytest.mark.parametrize(
    ("accept", "media_type", "form"),
    [
        ("*/*", "image/jpeg", "JPEG"),
        ("image/png", "image/png", "PNG"),
        ("image/gif, image/png;q=0.5", "image/gif", "GIF"),
        ("image/avif,image/webp,image/*;q=0.8,*/*;q=0.5", "image/jpeg", "JPEG"),
    ],
)
def test_one_image_comes_alone_in_what_is_accepted(get, files, accept, media_type, form):
    response = get(files["head"], accept=accept)
    assert (response.status_code, response.headers["Content-Type"]) == (200, media_type)
    assert int(response.headers["Content-Length"]) == len(response.content)
    assert image_of(response.content).format == form
    assert image_of(response.content).size == (512, 512)


def test_parameters_are_done(get, files):
    query = {
        "window": "30,90,sigmoid",
        "viewport": "100,80,50,,-300,200.5",
        "annotation": "technique,patient",
    }
    response = get(files["head"], accept="image/png", **query)
    wanted = drawn(
        files["head"],
        window=Window(center=30, width=90, function=WindowFunction.SIGMOID),
        viewport=Viewport(
            columns=100,
            rows=80,
            region=Region(left=50, width=300, height=200.5),
            is_flipped_horizontally=True,
        ),
        annotations=(Annotation.TECHNIQUE, Annotation.PATIENT),
    )
    assert np.array_equal(np.asarray(image_of(response.content)), wanted)
    assert len(get(files["head"], quality="1").content) < len(get(files["head"]).content)
    assert get(files["head"], unknown="1", iccprofile="no").status_code == 200


def test_what_the_standard_has_ignored(get, files):
    """PS3.18 8.3.5.1.1: keywords that are not supported; 8.3.5.1.3: the signs of sx and sy."""
    plain = get(files["head"], accept="image/png", viewport="64,64,50,60,200,200", annotation="patient")
    other = get(
        files["head"], accept="image/png", viewport="64,64,-50,-60,200,200", annotation="logo,patient,logo"
    )
    assert other.content == plain.content
    assert "Warning" not in plain.headers
    assert other.headers["Warning"].endswith(": The following annotation values are not supported: logo")


def test_a_colour_image_without_a_profile_is_said_to_be_srgb(get, files):
    for accept in ("image/jpeg", "image/png"):
        image = image_of(get(files["cine"], accept=accept, iccprofile="yes").content)
        profile = ImageCmsProfile(BytesIO(image.info["icc_profile"]))
        assert "sRGB" in profile.profile.profile_description
        assert "icc_profile" not in image_of(get(files["cine"], accept=accept).content).info
    refused = get(files["cine"], accept="image/gif", viewport="64,64", iccprofile="yes")
    assert (refused.status_code, refused.json()["detail"]) == (400, "iccprofile")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("window", ["", "1", "a,b,linear", "1,0,linear", "1,-1,sigmoid", "1,2,cubic", "1,2", "nan,1,linear", "1,1e999,linear", "1,2,linear,4"]),
        ("viewport", ["", "1", "0,1", "-1,1", "8193,1", "8192,8192", "1,1,1,1,1,1,1", "9,9,600", "9,9,,,0", "1e3,5", "٣,5"]),
        ("quality", ["", "0", "101", "1.5", "x"]),
        ("annotation", ["", "patient,", "patient technique"]),
        ("iccprofile", ["srgb", ""]),
    ],
)  # fmt: skip
def test_values_that_cannot_be_are_400(get, files, name, values):
    for value in values:
        response = get(files["head"], **{name: value})
        assert (response.status_code, response.json()["detail"]) == (400, name), value
    assert get(files["head"], **{name: ["1,1", "1,1"]}).status_code == 400


def test_what_cannot_be_had_is_406_with_what_can(get, files):
    response = get(files["head"], accept="application/dicom, video/mp4")
    assert response.status_code == 406
    assert response.json()["available"][:4] == ["image/jpeg", "image/png", "image/gif", JPEGS]
    assert get(files["head"], level=2, accept="image/jpeg").status_code == 406
    assert get(files["cine"], "frames/1,2/rendered", "image/jpeg").status_code == 406


def test_who_has_a_picture_is_told_so(get, files):
    first = get(files["head"], "thumbnail")
    again = get(files["head"], "thumbnail", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = get(files["head"], "thumbnail", headers={"If-None-Match": first.headers["ETag"]}, viewport="9,9")
    assert other.status_code == 200
    head = get(files["head"], "thumbnail", method="head")
    assert (head.status_code, head.headers["ETag"]) == (200, first.headers["ETag"])


def test_frames_are_parts_and_each_part_can_be_had_alone(get, files):
    response = get(files["cine"], "frames/3,1/rendered", PNGS)
    assert [location.rsplit("/", 2)[1] for _, location, _ in parts(response)] == ["3", "1"]
    for content_type, location, content in parts(response):
        assert content_type == "image/png"
        alone = requests.get(location, headers={"Accept": "image/png"}, timeout=60)
        assert alone.content == content
    assert len(parts(get(files["cine"], accept=JPEGS))) == 30
    assert get(files["cine"], "frames/31/rendered").status_code == 404
    assert get(files["cine"], "frames/0/rendered").status_code == 400
    assert get(files["cine"], "frames/1,x/thumbnail").status_code == 400


def test_a_cine_is_an_animation_or_its_representative_frame(get, files):
    animation = image_of(get(files["cine"], accept="image/gif", viewport="64,64").content)
    assert animation.size == (64, 48)
    assert 25 <= animation.n_frames <= 30  # frames that look the same are one, shown for longer
    some = image_of(get(files["cine"], "frames/2,20/rendered", "image/gif").content)
    assert some.n_frames == 2
    too_large = get(files["cine"], accept="image/gif", viewport="8192,8192")
    assert (too_large.status_code, too_large.json()["detail"]) == (400, "viewport")
    still = get(files["cine"], accept="image/png")
    assert np.array_equal(np.asarray(image_of(still.content)), drawn(files["cine"], 15))


@pytest.mark.parametrize("level", [1, 2])
def test_a_series_is_a_part_each_instance(get, files, level):
    response = get(files["ct"][0], accept=JPEGS, level=level)
    # The study has a document too, which is no image.
    assert (response.status_code, "Warning" in response.headers) == (
        (206, True) if level == 1 else (200, False)
    )
    locations = {location.split("/")[-2] for _, location, _ in parts(response)}
    assert locations == {pydicom.dcmread(path).SOPInstanceUID for path in files["ct"]}


@pytest.mark.parametrize("level", [1, 2, 3])
def test_the_middle_instance_stands_for_its_series_and_study(get, files, level):
    response = get(files["ct"][2], "thumbnail", "image/png", level=level)
    wanted = drawn(files["ct"][2], viewport=Viewport(columns=128, rows=128))
    assert np.array_equal(np.asarray(image_of(response.content)), wanted)
    small = get(files["ct"][2], "thumbnail", level=level, viewport="40,20")
    assert image_of(small.content).size == (20, 20)
    assert get(files["ct"][2], "thumbnail", level=level, viewport="4,4,1").status_code == 400


@pytest.mark.parametrize("level", [1, 2, 3])
def test_what_has_no_pixels_has_no_picture(get, files, level):
    assert get(files["report"], "thumbnail", level=level).status_code == 404
    assert get(files["report"], "rendered", level=level).status_code == 406
    assert get(files["document"], "thumbnail", level=level).status_code == 404


def test_a_document_and_a_video_come_as_they_are(get, files):
    document = get(files["document"])
    assert (document.headers["Content-Type"], document.content) == ("application/pdf", PDF)
    assert get(files["document"], accept="image/jpeg").json()["available"][0] == "application/pdf"
    video = get(files["video"])
    assert (video.headers["Content-Type"], video.content) == ("video/mp4", MP4)
    assert get(files["video"], "frames/1/rendered").status_code == 404
    assert get(files["video"], "thumbnail").status_code == 404


@pytest.mark.parametrize("deed", [HANG, ABORT])
def test_a_codec_that_hangs_or_dies_costs_one_request(get, files, deed):
    response = get(files[deed])
    assert response.status_code == 406
    assert "cannot be shown" in response.json()["error"]
    assert get(files["head"]).status_code == 200
