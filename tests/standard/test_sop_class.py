import pynetdicom.sop_class
import pytest
from pynetdicom import AllStoragePresentationContexts

from dicomhub.standard.sop_class import STORAGE_SOP_CLASSES, VERIFICATION, is_private_sop_class


def test_every_storage_class_of_pynetdicom_is_stored():
    theirs = {str(context.abstract_syntax) for context in AllStoragePresentationContexts}
    assert theirs <= STORAGE_SOP_CLASSES.keys()


@pytest.mark.parametrize(
    ("uid", "name"),
    [
        ("1.2.840.10008.5.1.4.1.1.2", "CT Image Storage"),
        ("1.2.840.10008.5.1.4.1.1.5", "Nuclear Medicine Image Storage (Retired)"),
        ("1.2.840.10008.5.1.4.1.1.66.7", "Label Map Segmentation Storage"),
    ],
)
def test_classes_have_names(uid, name):
    assert STORAGE_SOP_CLASSES[uid].startswith(name.split(" (")[0])


@pytest.mark.parametrize(
    "uid",
    [
        VERIFICATION,
        "1.2.840.10008.1.3.10",  # Media Storage Directory Storage
        "1.2.840.10008.1.20.1",  # Storage Commitment Push Model
        str(pynetdicom.sop_class.HangingProtocolStorage),
        str(pynetdicom.sop_class.StudyRootQueryRetrieveInformationModelFind),
    ],
)
def test_what_belongs_to_no_study_is_not_stored(uid):
    assert uid not in STORAGE_SOP_CLASSES


def test_private_classes_are_those_outside_of_dicoms_root():
    assert is_private_sop_class("1.2.276.0.7230010.3.1.0.1")
    assert not is_private_sop_class("1.2.840.10008.5.1.4.1.1.2")
