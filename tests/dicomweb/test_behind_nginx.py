"""Nginx sends whole files by the configuration that the documentation has."""

import pydicom
import pytest
import requests

from tests.dicomweb.served import serving
from tests.support.nginx import NGINX, SETTINGS, nginx_before
from tests.support.samples import sample

SAMPLES = (sample("CT_small.dcm"), sample("image_dfl.dcm"))
STORED = {"Accept": "application/dicom; transfer-syntax=*"}

pytestmark = pytest.mark.skipif(not NGINX.exists(), reason="there is no Nginx")


@pytest.fixture(scope="module")
def nginx(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nginx")
    with serving(folder / "home", *SAMPLES, **SETTINGS) as server, nginx_before(server, folder) as url:
        yield url


@pytest.fixture(params=SAMPLES, ids=lambda path: path.name)
def instance(nginx, request):
    data_set = pydicom.dcmread(request.param, stop_before_pixels=True)
    return (
        f"{nginx}/dicom-web/studies/{data_set.StudyInstanceUID}/series/{data_set.SeriesInstanceUID}"
        f"/instances/{data_set.SOPInstanceUID}"
    )


def get(url, **headers):
    return requests.get(url, headers=STORED | headers, timeout=300)


def test_a_file_and_its_parts_come_from_nginx_with_our_validators(instance):
    whole = get(instance)
    assert whole.status_code == 200
    assert whole.content[128:132] == b"DICM"
    assert int(whole.headers["Content-Length"]) == len(whole.content)
    assert whole.headers["Content-Type"].startswith("application/dicom; transfer-syntax=")
    assert whole.headers["Cache-Control"] == "private, no-cache"
    assert "Accept" in whole.headers["Vary"]
    assert "X-Accel-Redirect" not in whole.headers
    tag = whole.headers["ETag"]
    assert tag.startswith('"')
    head = requests.head(instance, headers=STORED, timeout=300)
    for name in ("ETag", "Last-Modified", "Content-Length", "Content-Type"):
        assert head.headers[name] == whole.headers[name]
    for headers in ({"If-None-Match": tag}, {"If-Modified-Since": whole.headers["Last-Modified"]}):
        assert get(instance, **headers).status_code == 304
    assert get(instance, **{"If-Match": tag}).content == whole.content
    assert get(instance, **{"If-Match": '"other"'}).status_code == 412
    for headers in ({}, {"If-Range": tag}):
        rest = get(instance, Range="bytes=1000-", **headers)
        assert (rest.status_code, rest.content) == (206, whole.content[1000:])
        assert rest.headers["ETag"] == tag
    assert get(instance, Range="bytes=1000-", **{"If-Range": '"other"'}).content == whole.content
    beyond = get(instance, Range="bytes=100000000-")
    assert beyond.status_code == 416
    assert beyond.headers["Content-Range"] == f"bytes */{len(whole.content)}"


def test_the_store_cannot_be_reached_through_nginx_in_any_other_way(nginx, instance):
    path = instance.partition("/studies/")[2].replace("/series", "").replace("/instances", "")
    for guess in (f"/archive/default/{path}.dcm", "/archive/admission.json", "/archive/../archive/"):
        assert get(nginx + guess).status_code == 404


def test_what_is_made_anew_or_has_many_parts_comes_through(instance):
    study = instance.partition("/series/")[0]
    assert requests.get(study, timeout=300).content.startswith(b"--dicomhub-")
    assert requests.get(study, {"accept": "application/zip"}, timeout=300).content[:2] == b"PK"
