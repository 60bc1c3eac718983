"""Studies to serve, made for it, and the paths by which a DICOMweb client asks for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom import dcmread
from pydicom.uid import EnhancedCTImageStorage, generate_uid

from tests.support.ct_series import write_ct_series

_FRAMES = 1000
_ROWS = 512


@dataclass(frozen=True, slots=True)
class Study:
    """A study of one series. path, series and instances: below the service's root."""

    files: Sequence[Path]
    path: str
    series: str
    instances: Sequence[str]

    @property
    def size_bytes(self) -> int:
        return sum(path.stat().st_size for path in self.files)


def ct_study(folder: Path, *, instances: int, rows: int = 512) -> Study:
    """512 rows: 0.53 MB each."""
    return _study(write_ct_series(folder, instances=instances, patient_id=folder.name, rows=rows))


def large_study(folder: Path, *, gigabytes: int) -> Study:
    """Multi-frame instances of half a GB each."""
    (first,) = write_ct_series(folder, instances=1, patient_id="LARGE", rows=_ROWS)
    data_set = dcmread(first)
    data_set.SOPClassUID = data_set.file_meta.MediaStorageSOPClassUID = EnhancedCTImageStorage
    data_set.NumberOfFrames = _FRAMES
    frame = np.random.default_rng(1).integers(0, 4096, (_ROWS, _ROWS), np.uint16).tobytes()
    data_set.PixelData = frame * _FRAMES
    first.unlink()
    files = []
    for number in range(1, 2 * gigabytes + 1):
        data_set.SOPInstanceUID = data_set.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        data_set.InstanceNumber = number
        files.append(folder / f"{number:05d}.dcm")
        data_set.save_as(files[-1])
    return _study(files)


def _study(files: Sequence[Path]) -> Study:
    heads = [dcmread(path, stop_before_pixels=True) for path in files]
    path = f"/studies/{heads[0].StudyInstanceUID}"
    series = f"{path}/series/{heads[0].SeriesInstanceUID}"
    return Study(files, path, series, [f"{series}/instances/{head.SOPInstanceUID}" for head in heads])
