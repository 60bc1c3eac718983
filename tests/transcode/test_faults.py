"""What cannot be rendered is refused with an outcome and one line, and never taken for an image."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tasks.transcode import work
from tasks.transcode.codecs import registry
from tasks.transcode.codecs.registry import CodecModuleInvalid
from tasks.transcode.orders import FrameFile, FrameFileOrder, Outcome, Refusal
from tasks.transcode.pixel_description import PixelDescriptionMissing, read_pixel_description
from tasks.transcode.pixel_writing import RenditionTooLarge, check_native_length
from tasks.transcode.source import open_source
from tasks.transcode.stamp import read_stamp
from tests.support.samples import sample
from tests.transcode.building import noise, write_instance
from tests.transcode.rendering import (
    EXPLICIT_VR_LITTLE_ENDIAN,
    JPEG_2000,
    JPEG_LS,
    RLE,
    attempt,
    refused,
    rendered,
)


@pytest.fixture
def lying_decoders():
    work.prepare(("tests.transcode.lying_decoders",))
    yield
    work.prepare(())


@pytest.mark.usefixtures("lying_decoders")
@pytest.mark.parametrize(
    ("decoder", "outcome"),
    [("blank", Outcome.MISMATCH), ("short", Outcome.CORRUPT), ("broken", Outcome.CORRUPT)],
)
def test_what_a_wrong_decoder_gives_is_thrown_away(decoder, outcome, tmp_path):
    assert refused(sample("JPEG-LL.dcm"), tmp_path / "there.dcm", decoder=decoder) is outcome


@pytest.mark.usefixtures("lying_decoders")
def test_a_blank_image_is_refused_though_no_second_decoder_reads_it(tmp_path):
    frame = bytes(open_source(sample("693_J2KR.dcm")).frames.read(0))
    source = write_instance(
        tmp_path / "source.dcm", [frame], syntax="1.2.840.10008.1.2.4.92", shape=(512, 512, 1), signed=True
    )
    answer = attempt(source, tmp_path / "there.dcm", decoder="blank part 2")
    assert isinstance(answer, Refusal)
    assert answer.outcome is Outcome.MISMATCH
    assert "blank" in answer.reason


def test_an_honest_blank_image_is_rendered(tmp_path):
    blank = write_instance(tmp_path / "blank.dcm", bytes(2 * 300 * 300), shape=(300, 300, 1))
    for target in (RLE, JPEG_LS, JPEG_2000):
        compressed = rendered(blank, tmp_path / "compressed.dcm", target)
        back = rendered(compressed, tmp_path / "back.dcm")
        assert open_source(back).frames.read(0) == bytes(2 * 300 * 300)


@pytest.mark.parametrize(
    "name", ["JPEG-LL.dcm", "693_J2KR.dcm", "MR_small_jpeg_ls_lossless.dcm", "SC_rgb_jpeg_dcmtk.dcm"]
)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_codestream_that_is_cut_short_is_corrupt(name, share, tmp_path):
    source = open_source(sample(name))
    frame = bytes(source.frames.read(0))
    pixels = source.pixels
    cut = write_instance(
        tmp_path / "cut.dcm",
        [frame[: int(len(frame) * share) & ~1]],
        syntax=source.syntax.uid,
        shape=(pixels.rows, pixels.columns, pixels.samples_per_pixel),
        photometric=pixels.photometric_interpretation,
        bits=(pixels.bits_allocated, pixels.bits_stored, pixels.high_bit),
        signed=pixels.is_signed,
    )
    answer = attempt(cut, tmp_path / "there.dcm", decoder="gdcm")
    assert isinstance(answer, Refusal)
    assert answer.outcome is Outcome.CORRUPT


def test_another_image_than_the_data_set_describes_is_corrupt(tmp_path):
    frame = bytes(open_source(sample("693_J2KR.dcm")).frames.read(0))
    for shape in ((512, 511, 1), (512, 512, 3)):
        source = write_instance(
            tmp_path / "other.dcm", [frame], syntax="1.2.840.10008.1.2.4.90", shape=shape, photometric="RGB"
        )
        for decoder in ("gdcm", "openjpeg"):
            assert refused(source, tmp_path / "there.dcm", decoder=decoder) is Outcome.CORRUPT


def test_a_decoder_that_does_not_know_the_syntax_is_unsupported(tmp_path):
    for decoder in ("pillow", "nobody"):
        outcome = refused(sample("693_J2KR.dcm"), tmp_path / "there.dcm", decoder=decoder)
        assert outcome is Outcome.UNSUPPORTED


def test_what_has_no_pixels_or_is_no_file(tmp_path):
    assert read_pixel_description(sample("reportsi.dcm")).pixels is None
    assert refused(sample("reportsi.dcm"), tmp_path / "there.dcm", decoder="native") is Outcome.CORRUPT
    (tmp_path / "text.dcm").write_text("no DICOM")
    assert refused(tmp_path / "text.dcm", tmp_path / "there.dcm", decoder="native") is Outcome.CORRUPT
    assert refused(tmp_path / "none.dcm", tmp_path / "there.dcm", decoder="native") is Outcome.FAILED
    assert read_stamp(tmp_path / "text.dcm") is None
    assert read_stamp(sample("CT_small.dcm")) is None


@pytest.mark.parametrize("wrong", [{"bits": (16, 17, 16)}, {"bits": (12, 12, 11)}, {"shape": (0, 4, 1)}])
def test_attributes_that_contradict_each_other(wrong, tmp_path):
    right = {"shape": (4, 4, 1), "bits": (16, 16, 15)}
    path = write_instance(tmp_path / "wrong.dcm", bytes(32), **(right | wrong))
    with pytest.raises(PixelDescriptionMissing):
        read_pixel_description(path)


def test_native_pixels_of_4_gib_cannot_be():
    pixels = read_pixel_description(sample("CT_small.dcm")).pixels
    assert pixels is not None
    check_native_length(replace(pixels, rows=32767, columns=65535))
    with pytest.raises(RenditionTooLarge, match="4294967296 bytes"):
        check_native_length(replace(pixels, rows=32768, columns=32768, number_of_frames=2))


def test_a_module_that_is_none_is_named():
    for module in ("tests.transcode.nowhere", "json"):
        with pytest.raises(CodecModuleInvalid, match=module):
            work.prepare((module,))


def frame_order(output, *numbers, decoder="pillow", target=EXPLICIT_VR_LITTLE_ENDIAN):
    output.touch()
    return FrameFileOrder(
        source_path=str(sample("color3d_jpeg_baseline.dcm")),
        output_path=str(output),
        frame_numbers=numbers,
        target_transfer_syntax_uid=target,
        decoder=decoder,
    )


def test_frames_are_decoded_by_number(tmp_path):
    answer = work.perform(frame_order(tmp_path / "frames", 120, 1))
    assert isinstance(answer, FrameFile)
    assert len(set(answer.lengths)) == 1
    assert sum(answer.lengths) == (tmp_path / "frames").stat().st_size
    assert np.any(np.fromfile(tmp_path / "frames", "u1", count=answer.lengths[0]))
    none = work.perform(frame_order(tmp_path / "frames", 121))
    assert isinstance(none, Refusal)
    assert "no frame 121 of 120" in none.reason


def test_a_frame_that_was_encoded_wrong_is_thrown_away(tmp_path, monkeypatch):
    """The encoder is right by all that is known: so another one's work is put in its place."""
    right = registry._ENCODERS

    def blank(frame, pixels, fidelity):
        return encoder.encode(bytes(len(frame)), pixels, fidelity)

    for encoder in [one for one in right if one.transfer_syntax_uid in (RLE, JPEG_LS, JPEG_2000)]:
        monkeypatch.setattr(registry, "_ENCODERS", (replace(encoder, encode=blank),))
        order = frame_order(tmp_path / "frames", 1, target=encoder.transfer_syntax_uid)
        answer = work.perform(order)
        assert isinstance(answer, Refusal)
        assert answer.outcome is Outcome.MISMATCH
        monkeypatch.setattr(registry, "_ENCODERS", right)
        assert isinstance(work.perform(order), FrameFile)


_LIMITED = """
import resource, sys
from pathlib import Path
from tests.transcode.rendering import rendered
from tests.support.samples import sample

rendered(sample("MR_small_RLE.dcm"), Path(sys.argv[2]))
pages = int(Path("/proc/self/statm").read_text().split()[5])
limit = pages * resource.getpagesize() + 24 * 1024**2
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
rendered(Path(sys.argv[1]), Path(sys.argv[2]))
"""


def test_a_cine_costs_the_memory_of_a_frame(tmp_path):
    """48 MiB native, with 24 MiB of memory to spare."""
    frame = np.repeat(noise((512, 1), "<u2", 0, 65535), 512, axis=1).tobytes()
    one = write_instance(tmp_path / "one.dcm", frame, shape=(512, 512, 1))
    codestream = bytes(open_source(rendered(one, tmp_path / "one.rle.dcm", RLE)).frames.read(0))
    cine = write_instance(
        tmp_path / "cine.dcm", [codestream] * 96, syntax=RLE, shape=(512, 512, 1), frames=96
    )
    output = tmp_path / "there.dcm"
    subprocess.run(
        [sys.executable, "-c", _LIMITED, cine, output], check=True, cwd=Path(__file__).parents[2], timeout=300
    )
    there = open_source(output)
    assert len(there.frames) == 96
    assert there.frames.read(95) == frame
    output.unlink()
