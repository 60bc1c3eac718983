"""The frames of every kind of sample: what a client has that knows the metadata, and nothing else of the file."""

import warnings

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import ExplicitVRLittleEndian

from tests.dicomweb.addressing import path_of
from tests.dicomweb.reading import body_of, json_of, parts_of
from tests.standard.reading import instance_files
from tests.support.kinds_of_pixels import kinds_of_pixels

OCTETS = 'multipart/related; type="application/octet-stream"'
AS_STORED = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
RLE = "1.2.840.10008.1.2.5"
ENCODED = {
    "image/jls": "1.2.840.10008.1.2.4.80",
    "image/jp2": "1.2.840.10008.1.2.4.90",
    "image/dicom-rle": RLE,
}
# To encode larger frames as well takes long and shows nothing more.
ENCODED_MAX_BYTES = 600_000
# pydicom loses a frame for want of a delimiter; there are no samples in the codestream; the file is cut short.
LEFT_OUT = frozenset(
    ("emri_small_jpeg_2k_lossless_too_short.dcm", "JPEG2000-embedded-sequence-delimiter.dcm")
)
KINDS = [path for path in kinds_of_pixels(but=LEFT_OUT) if path in instance_files()]
# In their colour space, JPEG's rounding has been undone, and their chrominance was halved once more.
TOLERANCES = {"YBR_FULL": 2, "YBR_FULL_422": 90}


def as_client(model, frames, transfer_syntax_uid):
    """The instance as a client puts it together of metadata and frames."""
    data_set = Dataset.from_json(model, lambda _uri: b"")
    data_set.file_meta = FileMetaDataset()
    data_set.file_meta.TransferSyntaxUID = transfer_syntax_uid
    data_set.NumberOfFrames = len(frames)
    if transfer_syntax_uid != ExplicitVRLittleEndian:
        data_set.PixelData = encapsulate(frames)
        data_set["PixelData"].is_undefined_length = True
        data_set["PixelData"].VR = "OB"
        return data_set
    keyword = next(
        name for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData") if name in data_set
    )
    bits = data_set.BitsAllocated == 1
    setattr(data_set, keyword, joined_bits(frames, data_set) if bits else b"".join(frames))
    data_set[keyword].VR = {"PixelData": "OW", "FloatPixelData": "OF"}.get(keyword, "OD")
    return data_set


def joined_bits(frames, data_set):
    pixels = data_set.Rows * data_set.Columns
    bits = [np.unpackbits(np.frombuffer(frame, "u1"), bitorder="little")[:pixels] for frame in frames]
    return np.packbits(np.concatenate(bits), bitorder="little").tobytes()


@pytest.mark.parametrize("path", KINDS, ids=lambda path: path.name)
def test_frames_are_what_metadata_describe(filling, get, path):
    (instance,) = filling.archive(path)
    root = f"{path_of(instance)}/frames"
    (model,) = json_of(get(f"{path_of(instance)}/metadata"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(get, path, root, model)


def check(get, path, root, model):
    sent = pydicom.dcmread(path)
    count = int(sent.get("NumberOfFrames", 1) or 1)
    numbers = sorted({count, 1}, reverse=True)
    names = ",".join(map(str, numbers))

    parts = parts_of(get(f"{root}/{names}", accept=OCTETS))
    assert [headers["Content-Location"] for headers, _ in parts] == [
        f"http://testserver/dicom-web{root}/{number}" for number in numbers
    ]
    assert {headers.get_content_type() for headers, _ in parts} == {"application/octet-stream"}
    assert {headers["Content-Type"].params["transfer-syntax"] for headers, _ in parts} == {
        ExplicitVRLittleEndian
    }
    received = as_client(model, [content for _, content in parts], ExplicitVRLittleEndian)
    try:
        expected = sent.pixel_array.reshape(count, *sent.pixel_array.shape[count > 1 :])
    except (RuntimeError, NotImplementedError):  # 12-bit JPEG; but the frames are there
        assert all(len(content) == len(parts[0][1]) for _, content in parts)
    else:
        assert_same_pixels(received, expected[[number - 1 for number in numbers]])

    alone = get(f"{root}/{count}", accept="application/octet-stream")
    assert body_of(alone) == parts[0][1]

    if sent.file_meta.TransferSyntaxUID.is_encapsulated:
        stored = list(generate_frames(sent.PixelData, number_of_frames=count))
        as_stored = parts_of(get(f"{root}/{names}", accept=AS_STORED))
        assert [content for _, content in as_stored] == [stored[number - 1] for number in numbers]
        uids = {headers["Content-Type"].params["transfer-syntax"] for headers, _ in as_stored}
        assert uids == {sent.file_meta.TransferSyntaxUID}
    if len(parts[0][1]) > ENCODED_MAX_BYTES:
        return
    is_grey_in_bytes = sent.SamplesPerPixel == 1 and sent.BitsAllocated % 8 == 0  # what RLE is always for
    for media_type, uid in ENCODED.items():
        encoded = get(
            f"{root}/{names}", accept=f'multipart/related; type="{media_type}"; transfer-syntax={uid}'
        )
        if encoded.status_code == 406:
            assert uid != RLE or not is_grey_in_bytes, path
        else:
            frames = [content for _, content in parts_of(encoded)]
            assert_same_pixels(as_client(model, frames, uid), received.pixel_array, is_exact=True)


def assert_same_pixels(received, expected, *, is_exact=False):
    pixels = received.pixel_array.reshape(expected.shape)
    tolerance = 0 if is_exact else TOLERANCES.get(received.PhotometricInterpretation, 0)
    difference = np.abs(pixels.astype("f8") - expected.astype("f8"))
    assert np.nanmax(difference) <= tolerance
    assert np.nanmean(difference) <= tolerance / 30
    assert np.array_equal(np.isnan(pixels), np.isnan(expected))
