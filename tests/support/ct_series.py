"""A CT series of any length, made from pydicom's CT_small.dcm: `python -m tests.support.ct_series FOLDER`."""

import sys
from pathlib import Path

import numpy as np
import pydicom
from pydicom.uid import generate_uid

from tests.support.samples import sample


def write_ct_series(
    folder: Path,
    *,
    instances: int,
    patient_id: str,
    rows: int = 128,
    study_instance_uid: str | None = None,
) -> list[Path]:
    """Write instances that differ in UID, number, position and pixels; rows is the image's height and width.

    512 rows make files of 0.53 MB.
    """
    folder.mkdir(parents=True, exist_ok=True)
    data_set = pydicom.dcmread(sample("CT_small.dcm"))
    del data_set.DataSetTrailingPadding  # DCMTK leaves it out when it sends
    data_set.PatientID = patient_id
    data_set.StudyInstanceUID = study_instance_uid or generate_uid()
    data_set.SeriesInstanceUID = generate_uid()
    data_set.Rows = data_set.Columns = rows
    pixels = np.random.default_rng(instances).integers(0, 4096, (rows, rows), np.uint16)
    paths = []
    for number in range(1, instances + 1):
        data_set.SOPInstanceUID = data_set.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        data_set.InstanceNumber = number
        data_set.ImagePositionPatient = [0, 0, number]
        data_set.PixelData = (pixels + np.uint16(number)).tobytes()
        path = folder / f"{number:05d}.dcm"
        data_set.save_as(path)
        paths.append(path)
    return paths


if __name__ == "__main__":
    write_ct_series(Path(sys.argv[1]), instances=400, patient_id="CT400", rows=512)
