"""What is sent: made anew for each run of the benchmark, from pydicom's CT_small.dcm."""

from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom.uid import generate_uid

from tests.support.ct_series import write_ct_series
from tests.support.samples import sample


@dataclass(frozen=True, slots=True)
class Series:
    name: str
    folder: Path
    instances: int
    size_bytes: int


def write_series(root: Path, name: str, *, instances: int, rows: int) -> Series:
    files = write_ct_series(root / name, instances=instances, patient_id=name, rows=rows)
    return Series(name, root / name, instances, sum(file.stat().st_size for file in files))


def write_large(path: Path, *, frames: int) -> Path:
    """A multi-frame instance of 1 MiB a frame, its pixels zeros; 2,047 frames are nearly 2 GiB."""
    data_set = pydicom.dcmread(sample("CT_small.dcm"))
    del data_set.DataSetTrailingPadding
    data_set.SOPInstanceUID = data_set.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    data_set.Rows, data_set.Columns, data_set.NumberOfFrames = 1024, 512, frames
    data_set.PixelData = b""
    data_set.save_as(path)
    size_bytes = frames << 20
    with path.open("r+b") as file:
        file.seek(-4, 2)
        file.write(size_bytes.to_bytes(4, "little"))
        file.truncate(file.tell() + size_bytes)
    return path
