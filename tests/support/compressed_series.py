"""A compressed CT series of any length: CT_small.dcm's, in JPEG-LS lossless."""

from pathlib import Path

import pydicom
from pydicom.uid import JPEGLSLossless

from tests.support.ct_series import write_ct_series


def write_compressed_series(folder: Path, *, instances: int, rows: int = 32) -> list[Path]:
    """As write_ct_series, with the pixels compressed."""
    paths = write_ct_series(folder, instances=instances, patient_id="COMPRESSED", rows=rows)
    for path in paths:
        data_set = pydicom.dcmread(path)
        data_set.compress(JPEGLSLossless, generate_instance_uid=False)
        data_set.save_as(path)
    return paths
