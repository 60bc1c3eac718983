"""Every compressed sample file against other people's decoders, and against the documented table."""

import shutil
import subprocess
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.pixels import get_decoder

from tasks.transcode.making import Made
from tests.transcode.rendering import attempts
from tests.transcode.table import Sample, compressed_samples, documented, row, table

SAMPLES = tuple(compressed_samples())
DCMTK = {
    **{f"1.2.840.10008.1.2.4.{number}": "dcmdjpeg" for number in (50, 51, 53, 55, 57, 70)},
    **{f"1.2.840.10008.1.2.4.{number}": "dcmdjpls" for number in (80, 81)},
    "1.2.840.10008.1.2.5": "dcmdrle",
}
# Their fault, not ours: dcmdjpeg gives up on padding, gdcmconv on a Sequence Delimitation Item that is missing.
DCMTK_FAILS = {"SC_rgb_jpeg.dcm"}
GDCMCONV_FAILS = {"emri_small_jpeg_2k_lossless_too_short.dcm"}
# pydicom's plugins that do not share a library with the decoder that comes first here, if there is one; Pillow
# cannot do all of JPEG 2000.
PLUGINS = ("pydicom", "pillow", "pylibjpeg", "pyjpegls", "gdcm")


@dataclass(frozen=True)
class Rendition:
    sample: Sample
    path: Path
    pixels: np.ndarray


@pytest.fixture(scope="module")
def rows(tmp_path_factory) -> dict[Path, str]:
    return {}


@pytest.fixture(scope="module")
def renditions(tmp_path_factory, rows) -> dict[Path, Rendition]:
    directory = tmp_path_factory.mktemp("renditions")
    renditions = {}
    for number, sample in enumerate(SAMPLES):
        path = directory / f"{number}.dcm"
        made = attempts(sample.path, path)
        rows[sample.path] = row(sample, made)
        if isinstance(made[-1].answer, Made):
            renditions[sample.path] = Rendition(sample, path, pydicom.dcmread(path).pixel_array)
    return renditions


def test_the_documented_table_is_what_happens(renditions, rows):
    assert table(list(rows.values())) == documented()


def test_every_file_is_rendered_but_the_one_without_a_codestream(renditions):
    assert {sample.path.name for sample in SAMPLES if sample.path not in renditions} == {
        "JPEG2000-embedded-sequence-delimiter.dcm"
    }


def test_pydicom_has_the_same_pixels(renditions):
    without_reference = []
    for rendition in renditions.values():
        source = rendition.sample
        indices = {0, source.pixels.number_of_frames - 1}
        try:
            reference = _by_pydicom(source, indices)
        except RuntimeError:
            without_reference.append(source.path.name)
            continue
        frames = rendition.pixels if source.pixels.number_of_frames > 1 else rendition.pixels[None]
        for index in indices:
            assert np.array_equal(reference[index], frames[index]), source.path.name
    # 12 bits, which no plugin that is installed reads; DCMTK does. And what pydicom loses for want of a delimiter.
    assert set(without_reference) == {
        "JPEG-lossy.dcm",
        "JPGExtended.dcm",
        "emri_small_jpeg_2k_lossless_too_short.dcm",
    }


@pytest.mark.skipif(shutil.which("dcmdjpeg") is None, reason="DCMTK is not installed")
def test_dcmtk_has_the_same_pixels(renditions, tmp_path):
    compared = 0
    for rendition in renditions.values():
        program = DCMTK.get(rendition.sample.source.transfer_syntax_uid)
        name = rendition.sample.path.name
        if program is None or name in DCMTK_FAILS:
            continue
        theirs = tmp_path / "dcmtk.dcm"
        subprocess.run([program, rendition.sample.path, theirs], check=True, capture_output=True)
        assert pydicom.dcmread(theirs).PixelData == pydicom.dcmread(rendition.path).PixelData, name
        compared += 1
    assert compared > 35


@pytest.mark.skipif(shutil.which("gdcmconv") is None, reason="gdcmconv is not installed")
def test_gdcmconv_has_the_same_pixels(renditions, tmp_path):
    compared = 0
    for rendition in renditions.values():
        name = rendition.sample.path.name
        # What DCMTK reads need not be compared twice.
        if rendition.sample.source.transfer_syntax_uid in DCMTK or name in GDCMCONV_FAILS:
            continue
        theirs = tmp_path / "gdcm.dcm"
        subprocess.run(["gdcmconv", "--raw", rendition.sample.path, theirs], check=True, capture_output=True)
        assert np.array_equal(pydicom.dcmread(theirs).pixel_array, rendition.pixels), name
        compared += 1
    assert compared > 15


def test_what_breaks_off_after_its_last_frame_is_whole(renditions):
    short, whole = (
        next(
            one
            for one in renditions.values()
            if one.sample.path.name == f"emri_small_jpeg_2k_lossless{name}.dcm"
        )
        for name in ("", "_too_short")
    )
    assert np.array_equal(short.pixels, whole.pixels)


def _by_pydicom(sample: Sample, indices: set[int]) -> dict[int, np.ndarray]:
    decoder = get_decoder(sample.source.transfer_syntax_uid)
    for plugin in PLUGINS:
        if plugin not in decoder.available_plugins:
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return {
                    index: decoder.as_array(
                        pydicom.dcmread(sample.path), index=index, decoding_plugin=plugin, raw=False
                    )[0]
                    for index in indices
                }
        except (RuntimeError, AttributeError, ValueError):
            continue
    raise RuntimeError(sample.path.name)
