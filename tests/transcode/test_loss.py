"""Loss, where it is asked for, and what is said of it. PS3.3 C.7.6.1.1.2, C.7.6.1.1.5."""

import numpy as np
import pydicom
import pytest

from tasks.transcode.orders import Outcome, Refusal
from tests.support.samples import sample
from tests.transcode.building import SOP_INSTANCE_UID, noise, write_instance
from tests.transcode.rendering import JPEG_2000_LOSSY, JPEG_LS_NEAR, RLE, attempt, refused, rendered

SMOOTH = (np.indices((96, 80)).sum(0) * 20 + noise((96, 80), "<u2", 0, 60)).astype("<u2")


@pytest.fixture
def source(tmp_path):
    return write_instance(tmp_path / "source.dcm", SMOOTH.tobytes(), shape=(96, 80, 1), bits=(16, 12, 11))


def test_near_lossless_stays_within_its_bound_and_says_so(source, tmp_path):
    there = pydicom.dcmread(rendered(source, tmp_path / "there.dcm", JPEG_LS_NEAR, near=3))
    difference = np.abs(there.pixel_array.astype(int) - SMOOTH).max()
    assert 0 < difference <= 3
    assert there.LossyImageCompression == "01"
    assert there.LossyImageCompressionMethod == "ISO_14495_1"
    assert 2 < there.LossyImageCompressionRatio < 20
    stored = sum(len(frame) for frame in pydicom.encaps.generate_frames(there.PixelData, number_of_frames=1))
    assert float(there.LossyImageCompressionRatio) == pytest.approx(SMOOTH.nbytes / stored, rel=0.01)
    assert there.ImageType == ["DERIVED", "PRIMARY"]
    # Another image by the standard: a UID of its own, always the same, and a reference to what it was made of.
    assert there.SOPInstanceUID == there.file_meta.MediaStorageSOPInstanceUID != SOP_INSTANCE_UID
    assert there.SOPInstanceUID.is_valid
    assert there.SourceImageSequence[0].ReferencedSOPInstanceUID == SOP_INSTANCE_UID
    assert there.SourceImageSequence[0].PurposeOfReferenceCodeSequence[0].CodeValue == "121320"
    again = rendered(source, tmp_path / "again.dcm", JPEG_LS_NEAR, near=3)
    assert again.read_bytes() == (tmp_path / "there.dcm").read_bytes()
    other = pydicom.dcmread(rendered(source, tmp_path / "other.dcm", JPEG_LS_NEAR, near=4))
    assert other.SOPInstanceUID != there.SOPInstanceUID


def test_lossy_jpeg_2000_of_rgb(tmp_path):
    rgb = (np.indices((64, 64, 3)).sum(0) + noise((64, 64, 3), "u1", 0, 9)).astype("u1")
    source = write_instance(
        tmp_path / "source.dcm", rgb.tobytes(), shape=(64, 64, 3), photometric="RGB", bits=(8, 8, 7)
    )
    there = pydicom.dcmread(rendered(source, tmp_path / "there.dcm", JPEG_2000_LOSSY, ratio=4))
    assert there.PhotometricInterpretation == "YBR_ICT"
    assert there.LossyImageCompressionMethod == "ISO_15444_1"
    assert 3 < there.LossyImageCompressionRatio < 8
    back = pydicom.dcmread(rendered(tmp_path / "there.dcm", tmp_path / "back.dcm"))
    assert back.PhotometricInterpretation == "RGB"
    assert back.LossyImageCompression == "01"
    assert np.abs(back.pixel_array.astype(int) - rgb).mean() < 3


def test_more_loss_than_the_proof_allows_is_thrown_away(tmp_path):
    values = noise((64, 64), "<u2", 0, 4095)
    source = write_instance(tmp_path / "source.dcm", values.tobytes(), shape=(64, 64, 1), bits=(16, 12, 11))
    answer = attempt(source, tmp_path / "there.dcm", JPEG_2000_LOSSY, decoder="native", ratio=40)
    assert isinstance(answer, Refusal)
    assert answer.outcome is Outcome.MISMATCH


def test_each_step_of_loss_adds_a_value(source, tmp_path):
    once = rendered(source, tmp_path / "once.dcm", JPEG_LS_NEAR, near=2)
    twice = pydicom.dcmread(rendered(once, tmp_path / "twice.dcm", JPEG_2000_LOSSY, ratio=6))
    assert twice.LossyImageCompressionMethod == ["ISO_14495_1", "ISO_15444_1"]
    assert len(twice.LossyImageCompressionRatio) == 2


@pytest.mark.parametrize("name", ["JPEGLSNearLossless_16.dcm", "SC_rgb_jls_lossy_line.dcm"])
def test_a_source_that_hides_its_loss_is_marked(name, tmp_path):
    assert "LossyImageCompression" not in pydicom.dcmread(sample(name))
    there = pydicom.dcmread(rendered(sample(name), tmp_path / "there.dcm"))
    assert there.LossyImageCompression == "01"
    assert there.LossyImageCompressionMethod == "ISO_14495_1"
    assert there.LossyImageCompressionRatio > 1


def test_a_source_that_says_what_it_lost_is_left_alone(tmp_path):
    source = pydicom.dcmread(sample("SC_rgb_jpeg_dcmtk.dcm"))
    there = pydicom.dcmread(rendered(sample("SC_rgb_jpeg_dcmtk.dcm"), tmp_path / "there.dcm", RLE))
    for keyword in (
        "LossyImageCompression",
        "LossyImageCompressionRatio",
        "LossyImageCompressionMethod",
        "ImageType",
    ):
        assert there.get(keyword) == source.get(keyword)
    assert there.PhotometricInterpretation == "RGB"


def test_loss_in_a_palette_is_refused(tmp_path):
    for target in (JPEG_LS_NEAR, JPEG_2000_LOSSY):
        outcome = refused(sample("OBXXXX1A.dcm"), tmp_path / "there.dcm", target, decoder="native")
        assert outcome is Outcome.UNSUPPORTED


def test_near_lossless_of_signed_samples_is_refused(tmp_path):
    """An error of one would turn the largest sample into the smallest."""
    values = noise((40, 40), "<i2", -2048, 2047)
    source = write_instance(
        tmp_path / "source.dcm", values.tobytes(), shape=(40, 40, 1), bits=(16, 12, 11), signed=True
    )
    assert refused(source, tmp_path / "there.dcm", JPEG_LS_NEAR, decoder="native") is Outcome.UNSUPPORTED
