"""The values that a BulkDataURI leads to, as pydicom reads them in the file."""

import numpy as np
from pydicom.encaps import generate_frames

SERVICE = "http://testserver/dicom-web"
AS_STORED = "application/octet-stream; transfer-syntax=*"
BROKEN_OFF = {"MR_truncated.dcm"}  # described up to there
# pydicom reads nothing behind its fault.
UNREADABLE = {"emri_small_jpeg_2k_lossless_too_short.dcm"}


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
