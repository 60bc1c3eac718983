"""Pixels of every kind through every lossless target and back: no bit that is used may change."""

from dataclasses import dataclass

import numpy as np
import pydicom
import pytest

from tasks.transcode.making import Made
from tasks.transcode.orders import Outcome
from tasks.transcode.stamp import RenditionStamp, read_stamp
from tests.support.samples import sample
from tests.transcode.building import SOP_INSTANCE_UID, noise, write_instance
from tests.transcode.rendering import (
    EXPLICIT_VR_LITTLE_ENDIAN,
    JPEG_2000,
    JPEG_LS,
    RLE,
    STAMP,
    attempt,
    codecs,
    refused,
    rendered,
)

TARGETS = (EXPLICIT_VR_LITTLE_ENDIAN, RLE, JPEG_LS, JPEG_2000)


@dataclass(frozen=True)
class Case:
    values: np.ndarray
    """Frames x rows x columns x samples, in planar configuration 0, as they are to come back."""
    bits: tuple[int, int, int]
    stored: bytes | None = None
    photometric: str = "MONOCHROME2"
    comes_back_as: str | None = None
    planar: int = 0
    syntax: str = EXPLICIT_VR_LITTLE_ENDIAN
    cannot: tuple[str, ...] = ()
    unused_bits: str = "kept"
    """Where "lost", codestreams give values extended by their sign: what is above Bits Stored is no part."""
    overlay_bit: int = 0


def _overlay() -> np.ndarray:
    """Twelve bits of signed samples, and an overlay in bit 13: the bits above are not the sign's."""
    samples = noise((2, 33, 47, 1), "<i2", -2048, 2047)
    return ((samples & 0x0FFF) | (np.indices(samples.shape)[1] % 2 << 13)).astype("<i2")


def _full_of_422() -> tuple[bytes, np.ndarray]:
    pairs = noise((1, 40, 20, 4), "u1", 0, 255)  # Y1 Y2 Cb Cr
    full = np.stack([pairs[..., (0, 2, 3)], pairs[..., (1, 2, 3)]], axis=-2).reshape(1, 40, 40, 3)
    return pairs.tobytes(), full


RGB = noise((3, 33, 37, 3), "u1", 0, 255)
WIDE_RGB = noise((2, 40, 41, 3), "<u2", 0, 65535)
SUBSAMPLED, FULL = _full_of_422()
CASES = {
    "8 bits": Case(noise((1, 35, 41, 1), "u1", 0, 255), (8, 8, 7)),
    "odd frames of 8 bits": Case(noise((3, 33, 35, 1), "u1", 0, 255), (8, 8, 7)),
    "12 of 16 bits": Case(noise((1, 64, 40, 1), "<u2", 0, 4095), (16, 12, 11)),
    "signed 12 of 16 bits": Case(noise((2, 64, 40, 1), "<i2", -2048, 2047), (16, 12, 11)),
    "signed 16 bits": Case(noise((1, 64, 40, 1), "<i2", -32768, 32767), (16, 16, 15)),
    "high bit above": Case(
        noise((1, 40, 40, 1), "<u2", 0, 4095) << 4, (16, 12, 15), cannot=(JPEG_LS, JPEG_2000)
    ),
    "an overlay above signed samples": Case(
        _overlay(), (16, 12, 11), overlay_bit=13, cannot=(JPEG_LS, JPEG_2000)
    ),
    "bits above signed samples": Case(_overlay(), (16, 12, 11), unused_bits="lost"),
    "palette": Case(noise((1, 40, 40, 1), "u1", 0, 255), (8, 8, 7), photometric="PALETTE COLOR"),
    "RGB": Case(RGB, (8, 8, 7), photometric="RGB"),
    "RGB by plane": Case(
        RGB, (8, 8, 7), stored=RGB.transpose(0, 3, 1, 2).tobytes(), photometric="RGB", planar=1
    ),
    "RGB of 16 bits": Case(WIDE_RGB, (16, 16, 15), photometric="RGB"),
    "YBR_FULL": Case(RGB, (8, 8, 7), photometric="YBR_FULL"),
    "YBR_FULL_422": Case(
        FULL, (8, 8, 7), stored=SUBSAMPLED, photometric="YBR_FULL_422", comes_back_as="YBR_FULL"
    ),
    "32 bits": Case(
        noise((2, 40, 40, 1), "<u4", 0, 2**32 - 1), (32, 32, 31), cannot=(JPEG_LS, JPEG_2000)
    ),
    "big endian": Case(
        WIDE_RGB, (16, 16, 15), stored=WIDE_RGB.astype(">u2").tobytes(), photometric="RGB",
        syntax="1.2.840.10008.1.2.2",
    ),
    "deflated": Case(RGB, (8, 8, 7), photometric="RGB", syntax="1.2.840.10008.1.2.1.99"),
}  # fmt: skip


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", CASES)
def test_no_bit_changes(name, target, tmp_path):
    case = CASES[name]
    frames, rows, columns, samples = case.values.shape
    source = write_instance(
        tmp_path / "source.dcm",
        case.stored or case.values.tobytes(),
        syntax=case.syntax,
        shape=(rows, columns, samples),
        photometric=case.photometric,
        frames=frames,
        bits=case.bits,
        signed=case.values.dtype.kind == "i",
        planar=case.planar,
    )
    if case.overlay_bit:
        data_set = pydicom.dcmread(source)
        data_set.add_new(0x60000102, "US", case.overlay_bit)
        data_set.save_as(source)
    output = tmp_path / "there.dcm"
    if target in case.cannot:
        assert refused(source, output, target, decoder="native") is Outcome.UNSUPPORTED
        return
    there = rendered(source, output, target)
    assert pydicom.dcmread(there).SOPInstanceUID == SOP_INSTANCE_UID
    assert read_stamp(there) == RenditionStamp(STAMP)
    backs = 0
    for decoder in codecs().decoders_of(target):
        back = attempt(there, tmp_path / "back.dcm", decoder=decoder)
        if not isinstance(back, Made):
            continue
        backs += 1
        read = pydicom.dcmread(tmp_path / "back.dcm")
        expected = case.values.tobytes()
        if case.unused_bits == "lost" and target in (JPEG_LS, JPEG_2000):
            expected = (case.values << 4 >> 4).tobytes()
        if target == EXPLICIT_VR_LITTLE_ENDIAN and case.stored and case.photometric == "YBR_FULL_422":
            expected = case.stored
        else:
            assert read.PhotometricInterpretation == (case.comes_back_as or case.photometric)
        assert read.PixelData == expected + b"\0" * (len(expected) % 2), decoder
        assert (read.BitsAllocated, read.BitsStored, read.HighBit) == case.bits
        assert read.get("PlanarConfiguration", 0) == 0
        assert "LossyImageCompression" not in read
    assert backs


def test_frames_of_one_bit_a_pixel_go_on_where_the_last_one_ended(tmp_path):
    """As in a segmentation; 35 bits a frame. Encapsulated, each frame begins at a byte. PS3.5 8.1.1, A.4."""
    bits = noise((3, 35), "u1", 0, 1)
    source = write_instance(
        tmp_path / "source.dcm",
        [np.packbits(frame, bitorder="little").tobytes() + b"\0" for frame in bits],
        syntax="1.2.840.10008.1.2.1.98",
        shape=(5, 7, 1),
        frames=3,
        bits=(1, 1, 0),
    )
    there = rendered(source, tmp_path / "there.dcm")
    expected = np.packbits(bits.reshape(-1), bitorder="little").tobytes()
    assert pydicom.dcmread(there).PixelData == expected
    # And apart again: the second frame begins in the middle of a byte.
    again = rendered(there, tmp_path / "again.dcm")
    assert pydicom.dcmread(again).PixelData == expected


@pytest.mark.parametrize(
    "name", ["liver.dcm", "liver_expb.dcm", "rtdose.dcm", "SC_ybr_full_422_uncompressed.dcm"]
)
def test_native_files_stay_what_they_are(name, tmp_path):
    there = rendered(sample(name), tmp_path / "there.dcm")
    read, source = pydicom.dcmread(there), pydicom.dcmread(sample(name))
    assert np.array_equal(read.pixel_array, source.pixel_array)
    assert {element.tag for element in read} == {element.tag for element in source}


def test_a_rendition_of_a_rendition_is_the_same_data_set(tmp_path):
    """What is not about pixels comes through untouched, private elements and sequences too."""
    source = sample("693_J2KR.dcm")
    native = rendered(source, tmp_path / "native.dcm")
    again = rendered(rendered(native, tmp_path / "rle.dcm", RLE), tmp_path / "again.dcm")
    assert again.read_bytes() == native.read_bytes()
    read, original = pydicom.dcmread(native), pydicom.dcmread(source)
    for element in original:
        if element.tag != 0x7FE00010 and element.tag.element:  # group lengths are left out
            assert read[element.tag].value == element.value, element.tag


@pytest.mark.parametrize("target", [RLE, JPEG_LS, JPEG_2000])
@pytest.mark.parametrize("name", ["emri_small.dcm", "mlut_18.dcm"])  # signs of mlut_18 are not extended
def test_other_people_read_what_is_compressed(name, target, tmp_path):
    source = sample(name)
    there = rendered(source, tmp_path / "there.dcm", target)
    assert np.array_equal(pydicom.dcmread(there).pixel_array, pydicom.dcmread(source).pixel_array)


def test_what_would_be_wrong_in_a_rendition_is_left_out(tmp_path):
    """Icons in the source's codestream, offset tables, padding; what comes behind the pixels else stays."""
    source = pydicom.dcmread(sample("MR_small_jpeg_ls_lossless.dcm"))
    frame = source.PixelData
    icon = pydicom.Dataset()
    icon.Rows = icon.Columns = 64
    icon.PixelData = frame
    icon["PixelData"].is_undefined_length = True
    source.IconImageSequence = [icon]
    deep = pydicom.Dataset()
    deep.IconImageSequence = [icon]
    source.ReferencedImageSequence = [deep]
    source.OtherPatientIDsSequence = [pydicom.Dataset()]
    source.OtherPatientIDsSequence[0].PatientID = "kept"
    source.add_new(0x7FE10010, "LO", "DICOMHUB TEST")
    source.add_new(0x7FE11001, "OB", b"kept")
    source.add_new(0xFFFCFFFC, "OB", bytes(100))
    source.save_as(tmp_path / "source.dcm")
    read = pydicom.dcmread(rendered(tmp_path / "source.dcm", tmp_path / "there.dcm"))
    assert "IconImageSequence" not in read
    assert "ReferencedImageSequence" not in read
    assert read.OtherPatientIDsSequence[0].PatientID == "kept"
    assert read[0x7FE11001].value == b"kept"
    assert 0xFFFCFFFC not in read
    assert np.array_equal(read.pixel_array, source.pixel_array)
