"""What every answer owes its client, whatever was asked. PS3.18 8.4, 8.5."""

import pytest

from tests.support.samples import sample

STUDY = "/studies/1.3.6.1.4.1.5962.1.2.1.20040119072730.12322"
SERIES = f"{STUDY}/series/1.3.6.1.4.1.5962.1.3.1.1.20040119072730.12322"
INSTANCE = f"{SERIES}/instances/1.3.6.1.4.1.5962.1.1.1.1.1.20040119072730.12322"


@pytest.fixture
def ct(filling):
    filling.add(sample("CT_small.dcm"))


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        (STUDY, "*/*"),
        (INSTANCE, "application/dicom"),
        (INSTANCE, "application/dicom; transfer-syntax=*"),
        (f"{SERIES}/metadata", "*/*"),
        (f"{INSTANCE}/metadata", "application/dicom+xml"),
        (f"{INSTANCE}/frames/1", "application/octet-stream"),
        (f"{INSTANCE}/bulkdata/7FE00010", "*/*"),
        (f"{INSTANCE}/rendered", "*/*"),
        (f"{STUDY}/thumbnail", "*/*"),
    ],
)
def test_content_location_says_of_what_it_is(ct, get, path, accept):
    """PS3.18 8.4.2; RFC 9110 15.4.5 for what has not changed."""
    query, address = {"charset": "utf-8"}, f"http://testserver/dicom-web{path}?charset=utf-8"
    whole = get(path, query, accept=accept)
    assert (whole.status_code, whole["Content-Location"]) == (200, address)
    assert get(path, query, accept=accept, method="head")["Content-Location"] == address
    kept = get(path, query, accept=accept, if_none_match=whole["ETag"])
    assert (kept.status_code, kept["Content-Location"]) == (304, address)


def test_errors_have_no_content_location(ct, get):
    for path in (f"{STUDY}/nothing", "/studies/1.2.3", f"{INSTANCE}/frames/0"):
        assert "Content-Location" not in get(path)


@pytest.mark.parametrize("method", ["get", "head", "post", "put", "patch", "delete", "options"])
def test_a_path_that_is_none_is_404_by_any_method(ct, client, method):
    roots = ("/dicom-web/nothing", f"/dicom-web{STUDY}/", "/tenants/default/dicom-web//studies")
    for path in (*roots, "/tenants//dicom-web/studies"):
        response = getattr(client, method)(path)
        assert (response.status_code, response["Content-Type"]) == (404, "application/json"), path
        assert method == "head" or response.json()["detail"] == "path"


def test_padding_alone_does_not_match_everything(ct, get):
    for key in ("PatientID", "PatientName", "KVP"):
        response = get("/studies", {key: "\0"})
        assert (response.status_code, response.json()["detail"]) == (400, key)
