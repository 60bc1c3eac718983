from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from django.test.utils import override_script_prefix

from tests.dicomweb.addressing import path_of
from tests.dicomweb.reading import body_of, json_of, parts_of, transfer_syntax_of
from tests.support.damage import damaged_unseen
from tests.support.receiving import data_set_of
from tests.support.samples import sample

EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
MPEG_4 = "1.2.840.10008.1.2.4.102"
AS_STORED = 'multipart/related; type="application/dicom"; transfer-syntax=*'

CT = sample("CT_small.dcm")  # Explicit VR Little Endian
MR_IMPLICIT = sample("MR_small_implicit.dcm")
MR_BIG_ENDIAN = sample("MR_small_bigendian.dcm")
DEFLATED_IMAGE = sample("image_dfl.dcm")
JPEG_2000 = sample("MR_small_jp2klossless.dcm")
JPEG_BASELINE = sample("SC_rgb_jpeg_dcmtk.dcm")


def elements_of(content, *, of_file_meta=False):
    data_set = pydicom.dcmread(BytesIO(content))
    return data_set.file_meta if of_file_meta else data_set


@pytest.mark.parametrize("level", ["instance", "series", "study"])
@pytest.mark.parametrize("path", [CT, DEFLATED_IMAGE, JPEG_2000, JPEG_BASELINE], ids=lambda path: path.name)
def test_as_stored_is_the_archived_file_byte_for_byte(filling, get, path, level):
    (instance,) = filling.add(path)
    response = get(path_of(instance, level), accept=AS_STORED)
    assert response.status_code == 200
    assert "Content-Length" in response
    ((headers, content),) = parts_of(response)
    assert content == filling.store.absolute(instance.path).read_bytes()
    assert transfer_syntax_of((headers, content)) == instance.transfer_syntax_uid
    assert headers["Content-Location"] == f"http://testserver/dicom-web{path_of(instance)}"


@pytest.mark.parametrize("accept", [AS_STORED, "", "*/*"])
@pytest.mark.parametrize("path", [MR_IMPLICIT, MR_BIG_ENDIAN], ids=lambda path: path.name)
def test_implicit_vr_and_big_endian_travel_as_explicit_little_endian(filling, get, path, accept):
    (instance,) = filling.add(path)
    (part,) = parts_of(get(path_of(instance), accept=accept))
    assert transfer_syntax_of(part) == EXPLICIT
    sent, received = pydicom.dcmread(path), elements_of(part[1])
    if not sent.original_encoding[1]:
        sent.PixelData = sent.pixel_array.astype("<i2").tobytes()
    assert received == sent


def test_deflated_is_inflated_unless_it_is_asked_for(filling, get):
    (instance,) = filling.add(DEFLATED_IMAGE)
    (part,) = parts_of(get(path_of(instance)))
    assert transfer_syntax_of(part) == EXPLICIT
    assert elements_of(part[1]) == pydicom.dcmread(DEFLATED_IMAGE)
    (part,) = parts_of(get(path_of(instance), accept=f"multipart/related;transfer-syntax={DEFLATED}"))
    assert transfer_syntax_of(part) == DEFLATED


def test_one_instance_comes_as_a_single_part_for_those_who_ask(filling, get):
    (instance,) = filling.add(CT)
    response = get(path_of(instance), accept="application/dicom")
    assert response["Content-Type"] == f"application/dicom; transfer-syntax={EXPLICIT}"
    assert body_of(response) == filling.store.absolute(instance.path).read_bytes()
    assert get(path_of(instance, "series"), accept="application/dicom").status_code == 406


@pytest.fixture
def undecodable(edited):
    """Nothing decodes video."""

    def copy(**attributes):
        data_set = pydicom.dcmread(edited(JPEG_2000, **attributes))
        data_set.file_meta.TransferSyntaxUID = MPEG_4
        data_set.save_as(data_set.filename)
        return Path(data_set.filename)

    return copy


def test_what_cannot_be_decoded_is_refused_with_what_can_be_had(filling, get, undecodable):
    (instance,) = filling.add(undecodable())
    response = get(path_of(instance, "study"), accept=f"multipart/related; transfer-syntax={EXPLICIT}")
    assert response.status_code == 406
    assert json_of(response)["available"] == [
        f'multipart/related; type="application/dicom"; transfer-syntax={MPEG_4}',
        f"application/zip; transfer-syntax={MPEG_4}",
    ]


def test_without_codec_processes_the_client_is_asked_to_come_again(filling, get, settings):
    environment = settings.ENVIRONMENT
    (instance,) = filling.add(JPEG_2000)
    codec = replace(environment.codec, modules=("tests.no_such_module",))
    settings.ENVIRONMENT = replace(environment, codec=codec)
    response = get(path_of(instance))
    assert response.status_code == 503
    assert response["Retry-After"]
    assert "no_such_module" not in body_of(response).decode()
    assert get(path_of(instance), accept=AS_STORED).status_code == 200


def test_a_study_of_which_only_some_can_be_had_is_partial(filling, get, undecodable):
    study = pydicom.dcmread(CT).StudyInstanceUID
    native, _video = filling.add(CT, undecodable(StudyInstanceUID=study))
    response = get(path_of(native, "study"), accept=f"multipart/related; transfer-syntax={EXPLICIT}")
    assert response.status_code == 206
    assert response["Warning"].startswith("299 http://testserver/dicom-web: 1 ")
    (part,) = parts_of(response)
    assert elements_of(part[1]).SOPInstanceUID == native.sop_instance_uid
    response = get(path_of(native, "study"), accept=f"{AS_STORED}, {AS_STORED}")
    assert response.status_code == 200
    assert len(parts_of(response)) == 2


def test_all_instances_of_a_study_come_by_series(filling, get, edited):
    study = {"StudyInstanceUID": "1.2.3"}
    paths = [
        edited(CT, SeriesInstanceUID=f"1.2.3.{series}", SeriesNumber=10 - series, **study)
        for series in (1, 1, 2)
    ]
    instances = filling.add(*paths)
    parts = parts_of(get("/studies/1.2.3"))
    assert [elements_of(content).SeriesInstanceUID for _, content in parts] == [
        "1.2.3.2",
        "1.2.3.1",
        "1.2.3.1",
    ]
    parts = parts_of(get("/studies/1.2.3/series/1.2.3.1"))
    assert {elements_of(content).SOPInstanceUID for _, content in parts} == {
        instance.sop_instance_uid for instance in instances[:2]
    }


def test_an_instance_that_is_not_indexed_yet_can_be_had(filling, get):
    (instance,) = filling.archive(CT)
    assert get(path_of(instance)).status_code == 200


def test_an_instance_that_was_sent_again_with_other_bytes_comes_with_the_new_ones(filling, get, edited):
    uid = str(pydicom.dcmread(CT).SOPInstanceUID)
    first, second = (edited(CT, SOPInstanceUID=uid, ImageComments=text) for text in ("first", "the second"))
    (instance,) = filling.add(first)
    filling.archive(second)
    ((_, content),) = parts_of(get(path_of(instance, "series")))
    assert elements_of(content).ImageComments == "the second"


def test_head_has_the_headers_and_no_body(filling, get):
    (instance,) = filling.add(CT)
    for path in (path_of(instance), path_of(instance, "study"), f"{path_of(instance)}/metadata", "/studies"):
        whole, head = get(path), get(path, method="head")
        assert head.status_code == 200
        assert b"".join(head) == b""
        assert head["Content-Type"].partition(";")[0] == whole["Content-Type"].partition(";")[0]
    for path in (path_of(instance), path_of(instance, "study")):
        assert get(path, method="head")["Content-Length"] == get(path)["Content-Length"]


@pytest.mark.parametrize(
    "path",
    [
        "/studies/1.2",
        "/studies/1.2/series/1.3",
        "/studies/1.2/series/1.3/instances/1.4",
        "/studies/1.2/metadata",
        "/studies/1.2/series/1.3/metadata",
        "/studies/1.2/series/1.3/instances/1.4/metadata",
        "/studies/1.2/series/1.3/instances/1.4/bulkdata/7FE00010",
        "/no/such/thing",
        "/studies/",
    ],
)
def test_what_is_not_there_is_404_with_a_reason(filling, get, path):
    response = get(path)
    assert response.status_code == 404
    assert json_of(response)["error"]


@pytest.mark.parametrize("uid", ["abc", "..", "1.2/..%2f", "1" * 65, "1.2%00", "%C2%B9", "."])
@pytest.mark.parametrize(
    "path", ["/studies/{}", "/studies/1/series/{}", "/studies/1/series/2/instances/{}/metadata"]
)
def test_a_uid_that_is_none_is_400_or_leads_nowhere(filling, get, uid, path):
    response = get(path.format(uid))
    assert response.status_code in {400, 404}
    assert response["Content-Type"] == "application/json"
    if uid == "abc":
        assert response.status_code == 400
        assert json_of(response)["detail"].endswith("InstanceUID")


def test_tenants_do_not_see_each_other(filling, get):
    (instance,) = filling.add(CT, tenant="radiology")
    assert get(path_of(instance)).status_code == 404
    assert json_of(get("/studies")) == []
    response = get(path_of(instance), root="/tenants/radiology/dicom-web")
    assert response.status_code == 200
    ((headers, _),) = parts_of(response)
    assert headers["Content-Location"].startswith("http://testserver/tenants/radiology/dicom-web/studies/")
    assert get("/studies", root="/tenants/nobody/dicom-web").status_code == 404
    assert get("/studies", root="/tenants/..%2fdefault/dicom-web").status_code == 404


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_what_can_only_be_read(filling, client, method):
    response = getattr(client, method)("/dicom-web/series")
    assert response.status_code == 405
    assert response["Allow"] == "GET, HEAD, OPTIONS"
    assert json_of(response)["detail"] == "method"


@pytest.mark.parametrize("method", ["put", "patch"])
def test_what_can_be_read_and_stored(filling, client, method):
    response = getattr(client, method)("/dicom-web/studies")
    assert response.status_code == 405
    assert response["Allow"] == "GET, HEAD, OPTIONS, POST"
    assert json_of(response)["detail"] == "method"


def test_what_is_not_valid_in_an_accept_header_is_ignored(filling, get):
    assert get("/studies", accept="text/html, *; q=.2, */*; q=.2").status_code == 200
    assert get("/studies", accept="application/dicom+json;q=high").status_code == 406
    response = get("/studies", {"accept": "application/dicom+json;q=high"})
    assert response.status_code == 400
    assert json_of(response)["detail"] == "accept parameter"


def test_a_host_that_is_not_ours_gets_no_page(filling, client):
    response = client.get("/dicom-web/studies", headers={"host": "elsewhere.example"})
    assert response.status_code == 400
    assert response["Content-Type"] == "application/json"


def test_an_instance_that_breaks_off_is_sent_up_to_there(filling, get, edited):
    whole, broken = (edited(MR_IMPLICIT, StudyInstanceUID="1", SeriesInstanceUID="1.2") for _ in range(2))
    (good,) = filling.add(whole)
    (bad,) = filling.add(broken, data_set=data_set_of(broken)[:-1000])
    contents = [elements_of(content) for _, content in parts_of(get(path_of(good, "series")))]
    assert {data_set.SOPInstanceUID: "PixelData" in data_set for data_set in contents} == {
        good.sop_instance_uid: True,
        bad.sop_instance_uid: False,
    }
    assert get(path_of(bad), accept="application/dicom").status_code == 200
    assert get(f"{path_of(bad)}/metadata").status_code == 200


def test_a_failure_of_ours_shows_nothing_of_itself(filling, get):
    (instance,) = filling.add(CT)
    file = filling.store.absolute(instance.path)
    file.unlink()
    file.mkdir()
    response = get(path_of(instance))
    assert response.status_code == 500
    assert "Traceback" not in body_of(response).decode()
    assert json_of(response)["error"]


def test_a_deflated_instance_that_breaks_off_keeps_none_of_the_others(filling, get, edited):
    good = edited(sample("MR_small.dcm"), StudyInstanceUID="1", SeriesInstanceUID="1.2")
    broken = edited(sample("image_dfl.dcm"), StudyInstanceUID="1", SeriesInstanceUID="1.2")
    (whole,) = filling.add(good)
    (cut,) = filling.add(broken, data_set=data_set_of(broken)[:-2000])
    contents = [content for _, content in parts_of(get(path_of(whole, "series")))]
    assert whole.sop_instance_uid in {elements_of(content).SOPInstanceUID for content in contents}
    assert get(f"{path_of(cut)}/metadata").status_code == 200


def test_bulk_data_of_an_instance_that_breaks_off_is_404(filling, get, edited):
    broken = edited(MR_IMPLICIT, StudyInstanceUID="1", SeriesInstanceUID="1.2")
    (cut,) = filling.add(broken, data_set=data_set_of(broken)[:-1000])
    response = get(f"{path_of(cut)}/bulkdata/7FE00010", accept="application/octet-stream")
    assert response.status_code == 404


@pytest.mark.parametrize("path", [MR_IMPLICIT, JPEG_2000], ids=["encoded anew", "decoded"])
def test_what_turns_out_to_be_damaged_is_left_out(filling, get, edited, path):
    uids = {"StudyInstanceUID": "1", "SeriesInstanceUID": "1.2"}
    bad, good = filling.add(*(edited(path, **uids) for _ in range(2)))
    accept = f'multipart/related; type="application/dicom"; transfer-syntax={EXPLICIT}'
    damaged_unseen(filling.store.absolute(bad.path))
    (part,) = parts_of(get(path_of(good, "series"), accept=accept))
    assert elements_of(part[1]).SOPInstanceUID == good.sop_instance_uid
    damaged_unseen(filling.store.absolute(good.path))
    assert get(path_of(good, "series"), accept=accept).status_code == 406


def test_what_is_damaged_on_the_disk_is_left_out_and_said(filling, get, edited):
    good, bad = filling.add(*(edited(CT, StudyInstanceUID="1", SeriesInstanceUID="1.2") for _ in range(2)))
    filling.store.absolute(bad.path).write_bytes(b"no DICOM file")
    for accept in ("", "application/zip"):
        response = get(path_of(good, "study"), accept=accept)
        assert response.status_code == 206
        assert (
            response["Warning"] == "299 http://testserver/dicom-web: 1 instances are damaged in the archive"
        )
        body_of(response)
    (part,) = parts_of(get(path_of(good, "series")))
    assert elements_of(part[1]).SOPInstanceUID == good.sop_instance_uid
    filling.store.absolute(good.path).write_bytes(b"no DICOM file either")
    assert get(path_of(good, "series")).status_code == 404


def test_what_is_damaged_on_the_disk_is_left_out_of_pictures_and_that_is_said(filling, get, edited):
    good, bad = filling.add(*(edited(CT, StudyInstanceUID="1", SeriesInstanceUID="1.2") for _ in range(2)))
    filling.store.absolute(bad.path).write_bytes(b"no DICOM file")
    response = get(f"{path_of(good, 'series')}/rendered", accept='multipart/related; type="image/jpeg"')
    assert response.status_code == 206
    assert "1 instances cannot be shown as images" in response["Warning"]
    ((headers, _),) = parts_of(response)
    assert path_of(good) in headers["Content-Location"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda _: b"garbage" * 1000,
        lambda file: file[:200],
        lambda file: file.replace(EXPLICIT.encode(), b"1.2.840.99999.9.9.9"),
    ],
    ids=["empty", "garbage", "cut in its header", "of no transfer syntax"],
)
def test_a_damaged_instance_alone_is_404_by_every_route(filling, get, edited, damage):
    (bad,) = filling.add(edited(CT, StudyInstanceUID="1", SeriesInstanceUID="1.2"))
    file = filling.store.absolute(bad.path)
    file.write_bytes(damage(file.read_bytes()))
    for route in ("", "/metadata", "/frames/1", "/bulkdata/7FE00010", "/bulkdata", "/pixeldata", "/rendered"):
        for level in ("instance", "series") if route in {"", "/bulkdata", "/rendered"} else ("instance",):
            response = get(path_of(bad, level) + route)
            assert response.status_code == 404, (route, level)
            assert response.json()["error"].endswith("is damaged in the archive")
    query = {"requestType": "WADO", "studyUID": "1", "seriesUID": "1.2", "objectUID": bad.sop_instance_uid}
    assert get("/wado", query, root="").status_code == 404
    assert get(path_of(bad) + "/thumbnail").status_code == 404


def test_a_prefix_that_one_request_came_with_is_not_in_the_next_ones_addresses(filling, get):
    (instance,) = filling.add(CT)
    path = f"{path_of(instance, 'instance')}/metadata"
    with override_script_prefix("/elsewhere/"):
        assert b'"BulkDataURI":"http://testserver/elsewhere/dicom-web/' in body_of(get(path))
    assert b'"BulkDataURI":"http://testserver/dicom-web/' in body_of(get(path))
