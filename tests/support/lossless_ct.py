"""A series of real CT, compressed without loss in three ways: .57 and .70 by dcmcjpeg, .80 by dcmcjpls."""

import subprocess
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import pydicom

from dicomhub.standard.uid import new_uid
from tests.support.samples import sample

COMPRESSORS = {
    "1.2.840.10008.1.2.4.57": ("dcmcjpeg", "+el"),
    "1.2.840.10008.1.2.4.70": ("dcmcjpeg", "+e1"),
    "1.2.840.10008.1.2.4.80": ("dcmcjpls",),
}
_SOURCE = "693_UNCI.dcm"  # 512 x 512, 14 bits of 16


def write_lossless_ct(folder: Path, *, instances: int, different: int = 30, rows: int = 512) -> list[Path]:
    """Write one series, the transfer syntaxes in turns; so many instances have different pixels."""
    folder.mkdir(parents=True, exist_ok=True)
    data_sets = [_compressed(folder, number, rows) for number in range(min(different, instances))]
    study, series = new_uid(), new_uid()
    paths = []
    for number, data_set in enumerate(islice(cycle(data_sets), instances)):
        data_set.SOPInstanceUID = data_set.file_meta.MediaStorageSOPInstanceUID = new_uid()
        data_set.StudyInstanceUID, data_set.SeriesInstanceUID = study, series
        data_set.InstanceNumber = number + 1
        paths.append(folder / f"{number:05}.dcm")
        data_set.save_as(paths[-1])
    return paths


def _compressed(folder: Path, number: int, rows: int) -> pydicom.Dataset:
    data_set = pydicom.dcmread(sample(_SOURCE))
    pixels = np.roll(data_set.pixel_array, 7 * number, axis=0)[:rows, :rows]
    data_set.PixelData = pixels.tobytes()
    data_set.Rows, data_set.Columns = pixels.shape
    native, compressed = folder / "native", folder / "compressed"
    data_set.save_as(native)
    command = list(COMPRESSORS.values())[number % len(COMPRESSORS)]
    subprocess.run([*command, native, compressed], check=True, capture_output=True)
    data_set = pydicom.dcmread(compressed)
    assert data_set.file_meta.TransferSyntaxUID == list(COMPRESSORS)[number % len(COMPRESSORS)]
    native.unlink()
    compressed.unlink()
    return data_set
