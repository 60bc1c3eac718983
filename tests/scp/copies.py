"""Copies of sample files to send, and what is archived of them."""

from pydicom import dcmread
from pydicom.uid import generate_uid

from dicomhub.standard.part10 import read_file_meta
from tests.scp.raw_peer import data_set_of
from tests.support.samples import sample


def fresh_copy(name, tmp_path, **changes):
    """A sample with a SOP Instance UID of its own, so that no test meets another's file."""
    data_set = dcmread(sample(name))
    data_set.pop("DataSetTrailingPadding", None)  # which DCMTK does not send
    data_set.SOPInstanceUID = generate_uid()
    for keyword, value in changes.items():
        setattr(data_set, keyword, value)
    data_set.file_meta.MediaStorageSOPInstanceUID = data_set.SOPInstanceUID
    path = tmp_path / f"{data_set.SOPInstanceUID}.dcm"
    data_set.save_as(path)
    return path


def archived(scp, path):
    """The archived data set of a file that was sent; None when there is none."""
    instance_uid = read_file_meta(path.read_bytes()).media_storage_sop_instance_uid
    found = [file for file in scp.archived() if file.stem == instance_uid]
    return data_set_of(found[0]) if found else None
