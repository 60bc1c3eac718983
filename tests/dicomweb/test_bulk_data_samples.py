"""Every BulkDataURI of every sample file's metadata, fetched: it is the value that pydicom reads."""

import warnings

import pydicom
import pytest

from dicomhub.standard.dicom_json import bulk_data_uris
from tests.dicomweb.addressing import path_of
from tests.dicomweb.bulk_values import AS_STORED, BROKEN_OFF, SERVICE, UNREADABLE, value_of
from tests.dicomweb.reading import body_of, json_of, parts_of
from tests.standard.reading import instance_files

EVERYTHING_AS_STORED = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'


@pytest.mark.parametrize("path", instance_files(), ids=lambda path: path.name)
def test_every_bulk_data_uri_leads_to_its_value(filling, get, path):
    (instance,) = filling.archive(path)
    (model,) = json_of(get(f"{path_of(instance)}/metadata"))
    assert model["00080018"]["Value"] == [instance.sop_instance_uid]
    uris = list(bulk_data_uris(model))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sent = pydicom.dcmread(filling.store.absolute(instance.path))
        if path.name not in UNREADABLE | BROKEN_OFF:
            assert bool(sent.get("PixelData")) == any(uri.endswith("/bulkdata/7FE00010") for uri in uris)
        for uri in uris:
            response = get(uri.removeprefix(SERVICE), accept=AS_STORED)
            assert response.status_code == 200
            received = body_of(response)
            if path.name not in UNREADABLE:
                assert received == value_of(sent, uri.partition("/bulkdata/")[2])
    everything = get(f"{path_of(instance)}/bulkdata", accept=EVERYTHING_AS_STORED)
    if not uris:
        assert everything.status_code == 404
    else:
        assert everything.status_code == 200
        locations = [headers["Content-Location"] for headers, _ in parts_of(everything)]
        assert list(dict.fromkeys(locations)) == uris  # encapsulated pixels are a part a frame
