"""Instances with pixels of every kind, made from arrays."""

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, SecondaryCaptureImageStorage, generate_uid

SOP_INSTANCE_UID = "1.2.3.4.5"


def write_instance(
    path: Path,
    pixel_data: bytes | list[bytes],
    *,
    syntax: str = "1.2.840.10008.1.2.1",
    shape: tuple[int, int, int],
    photometric: str = "MONOCHROME2",
    frames: int = 1,
    bits: tuple[int, int, int] = (16, 16, 15),
    signed: bool = False,
    planar: int = 0,
    **attributes,
) -> Path:
    """An instance of (rows, columns, samples); bits are allocated, stored and high bit. Frames as a list of
    codestreams are encapsulated.
    """
    dataset = Dataset()
    dataset.SOPClassUID = SecondaryCaptureImageStorage
    dataset.SOPInstanceUID = SOP_INSTANCE_UID
    dataset.StudyInstanceUID = dataset.SeriesInstanceUID = generate_uid()
    dataset.PatientName = "Pixel^Test"
    dataset.PatientID = "P1"
    dataset.ImageType = ["ORIGINAL", "PRIMARY"]
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = shape
    dataset.PhotometricInterpretation = photometric
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits
    dataset.PixelRepresentation = int(signed)
    if shape[2] > 1:
        dataset.PlanarConfiguration = planar
    if frames > 1:
        dataset.NumberOfFrames = frames
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    if isinstance(pixel_data, list):
        dataset.PixelData = encapsulate(pixel_data)
        dataset["PixelData"].is_undefined_length = True
        dataset["PixelData"].VR = "OB"
    else:
        dataset.PixelData = pixel_data + b"\0" * (len(pixel_data) % 2)
        dataset["PixelData"].VR = "OW" if bits[0] > 8 else "OB"
    dataset.save_as(path, enforce_file_format=True)
    return path


def noise(shape: tuple[int, ...], dtype: str, low: int, high: int) -> np.ndarray:
    """Structured noise from low to high, both reached: a gradient that no codec finds easy."""
    values = np.random.default_rng(7).integers(low, high, shape, endpoint=True)
    values.flat[0], values.flat[-1] = low, high
    return values.astype(dtype)
