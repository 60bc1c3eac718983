"""Every BulkDataURI of every sample file's metadata, fetched: it is the value that pydicom reads."""

import warnings

import numpy as np
import pydicom
import pytest
from pydicom.encaps import generate_frames

from dicomhub.intake.refusal import IntakeRefused
from dicomhub.standard.dicom_json import bulk_data_uris
from dicomhub.standard.part10 import Part10Malformed
from dicomhub.standard.transfer_syntax import TransferSyntaxUnknown
from tests.dicomweb.reading import body_of, json_of, parts_of
from tests.dicomweb.test_retrieve import path_of
from tests.support.samples import sample_files

SERVICE = "http://testserver/dicom-web"
AS_STORED = "application/octet-stream; transfer-syntax=*"
EVERYTHING_AS_STORED = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
# pydicom reads nothing behind a fault, or not at all.
UNREADABLE = {"badVR.dcm", "emri_small_jpeg_2k_lossless_too_short.dcm"}


@pytest.mark.parametrize("path", sample_files(), ids=lambda path: path.name)
def test_every_bulk_data_uri_leads_to_its_value(filling, get, path):
    try:
        (instance,) = filling.archive(path)
    except (IntakeRefused, Part10Malformed, TransferSyntaxUnknown):
        return
    (model,) = json_of(get(f"{path_of(instance)}/metadata"))
    assert model["00080018"]["Value"] == [instance.sop_instance_uid]
    uris = list(bulk_data_uris(model))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sent = pydicom.dcmread(filling.store.absolute(instance.path))
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


def value_of(data_set, path):
    """By a path of tags and items, in little endian."""
    is_big_endian = data_set.original_encoding[1] is False
    *around, name = path.split("/")
    for tag, item in zip(around[::2], around[1::2], strict=True):
        data_set = data_set[tag].value[int(item)]
    element = data_set[name]
    if name == "7FE00010" and element.is_undefined_length:
        count = int(data_set.get("NumberOfFrames", 1) or 1)
        return b"".join(generate_frames(element.value, number_of_frames=count))
    if is_big_endian and element.VR == "OW":
        bytes_ = 4 if name == "7FE00010" and data_set.BitsAllocated == 32 else 2
        return np.frombuffer(element.value, f">u{bytes_}").astype(f"<u{bytes_}").tobytes()
    return element.value
