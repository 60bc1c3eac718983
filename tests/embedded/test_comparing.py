"""The demo's judge, against files that DCMTK has put into another transfer syntax."""

import shutil
import subprocess
from pathlib import Path

import pytest

from dicomhub.embedded.demo.comparing import is_same
from dicomhub.embedded.demo.samples import Sample, read_samples
from dicomhub.standard.transfer_syntax import transfer_syntax

needs_dcmtk = pytest.mark.skipif(shutil.which("dcmconv") is None, reason="DCMTK is not installed")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

SAMPLES = {sample.path.name: sample for sample in read_samples()[0]}


def is_for_the_web(sample: Sample) -> bool:
    return transfer_syntax(sample.meta.transfer_syntax_uid).may_travel_on_the_web


def in_explicit_little_endian(sample: Sample, directory: Path) -> bytes:
    converted = directory / "converted.dcm"
    command = ("dcmconv", "+te", "-uc", "-g", str(sample.path), str(converted))
    subprocess.run(command, check=True, capture_output=True)
    return converted.read_bytes()


@needs_dcmtk
@pytest.mark.parametrize(
    "name",
    [
        "ExplVR_BigEnd.dcm",
        "SC_rgb_expb_2frame.dcm",
        "MR_small_bigendian.dcm",
        "rtplan.dcm",
        "rtdose_expb.dcm",
    ],
)
def test_another_encoding_of_the_same_elements_is_the_same(name: str, tmp_path: Path) -> None:
    sample = SAMPLES[name]
    assert not is_for_the_web(sample)
    assert is_same(sample, in_explicit_little_endian(sample, tmp_path))


@needs_dcmtk
def test_one_other_value_is_not_the_same(tmp_path: Path) -> None:
    sample = SAMPLES["MR_small_bigendian.dcm"]
    converted = in_explicit_little_endian(sample, tmp_path)
    assert converted.count(b"CompressedSamples^MR1") == 1
    assert not is_same(sample, converted.replace(b"CompressedSamples^MR1", b"CompressedSamples^MR2"))


def test_what_may_travel_as_it_is_must_come_as_it_is() -> None:
    sample = SAMPLES["CT_small.dcm"]
    assert is_for_the_web(sample)
    file = sample.path.read_bytes()
    assert is_same(sample, file)
    assert not is_same(sample, file[:-1] + bytes([file[-1] ^ 1]))
    assert not is_same(sample, b"")
