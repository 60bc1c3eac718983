from uuid import uuid4

import pydicom
import pytest

from dicomhub.standard.uid import new_uid


@pytest.fixture
def filling(db, environment, settings):
    """A store and a database of this test's own, and the way to fill them."""
    from tests.dicomweb.filling import Filling  # needs Django, which is set up after this file is read

    settings.ENVIRONMENT = environment
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # its absence is worth a warning to whitenoise
    filling = Filling(environment)
    yield filling
    filling.close()


@pytest.fixture
def get(client):
    """GET below the default tenant's service: get("/studies", PatientID="1", accept="...")."""

    def request(path, query=None, *, root="/dicom-web", method="get", **headers):
        return getattr(client, method)(root + path, query or {}, headers=headers)

    return request


@pytest.fixture
def edited(tmp_path):
    """A copy of a DICOM file with other attributes, and a SOP Instance UID of its own unless one is given."""

    def copy(path, **attributes):
        data_set = pydicom.dcmread(path)
        attributes.setdefault("SOPInstanceUID", new_uid())
        for keyword, value in attributes.items():
            setattr(data_set, keyword, value)
        data_set.file_meta.MediaStorageSOPInstanceUID = data_set.SOPInstanceUID
        target = tmp_path / f"{data_set.SOPInstanceUID}-{uuid4().hex}.dcm"
        data_set.save_as(target)
        return target

    return copy
