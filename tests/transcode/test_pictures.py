"""Pictures against what pydicom, and the standard's formulas, make of the same frames."""

from io import BytesIO

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut, pixel_array
from pydicom.sequence import Sequence

from tasks.transcode.orders import Outcome, Refusal
from tasks.transcode.picture_order import (
    GIF,
    JPEG,
    Annotation,
    Region,
    Viewport,
    Window,
    WindowFunction,
)
from tasks.transcode.pixel_description import read_pixel_description
from tests.support.samples import sample, sample_files
from tests.transcode.building import write_instance
from tests.transcode.drawing import drawn, drawn_file

# What pydicom does not read, and what is in the set because it is broken.
UNREADABLE = {
    "JPEG2000-embedded-sequence-delimiter.dcm",
    "JPEG-lossy.dcm",
    "JPGExtended.dcm",
    "MR_truncated.dcm",
    "emri_small_jpeg_2k_lossless_too_short.dcm",
}
# Large, and like others that are here.
REPEATED = ("RG1_J2K", "RG1_UNCI", "RG3_J2K", "RG3_UNCI", "MR2_J2K", "MR2_UNCI", "chr")
# GDCM and pydicom's plugin differ by what lossy codecs may, and colours are converted by others' tables.
LOSSY = {
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.4.91",
}
BIG_WINDOW = 1 << 40


def with_pixels():
    for path in sample_files():
        if path.name in UNREADABLE or path.name.startswith(REPEATED):
            continue
        try:
            description = read_pixel_description(path)
        except (ValueError, OSError):
            continue
        if description.pixels is not None and description.pixels.rows > 16:
            yield path


def voi(values, data_set):
    """apply_voi_lut, from 0 to 255: what it makes of the ends is where its scale begins and ends."""
    if "VOILUTSequence" in data_set:
        bits = data_set.VOILUTSequence[0].LUTDescriptor[2]
        return apply_voi_lut(values, data_set) * (255 / ((1 << bits) - 1))
    low, high = apply_voi_lut(np.array([-BIG_WINDOW, BIG_WINDOW]), data_set)
    return (apply_voi_lut(values, data_set) - low) / (high - low) * 255


def expected(data_set, frame):
    """What a frame, from 0, looks like by pydicom."""
    values = pixel_array(data_set, index=frame)
    if data_set.PhotometricInterpretation == "PALETTE COLOR":
        return apply_color_lut(values, data_set) >> (data_set.RedPaletteColorLookupTableDescriptor[2] - 8)
    if data_set.SamplesPerPixel == 3:
        return values >> (data_set.BitsStored - 8)
    unused = data_set.BitsAllocated - data_set.BitsStored
    if unused and data_set.BitsAllocated > 1:
        values = values << unused >> unused
    inside = values
    if "PixelPaddingValue" in data_set:
        inside = values[values != data_set.PixelPaddingValue]
    of_modality = apply_modality_lut(values, data_set)
    if "VOILUTSequence" in data_set or "WindowCenter" in data_set:
        shown = voi(of_modality, data_set)
    elif data_set.BitsAllocated == 1:
        shown = values * 255.0
    else:
        ends = apply_modality_lut(inside, data_set).astype(float)
        shown = np.clip((of_modality - ends.min()) / (np.ptp(ends) or 1) * 255, 0, 255)
    return 255 - shown if data_set.PhotometricInterpretation == "MONOCHROME1" else shown


@pytest.mark.parametrize("path", tuple(with_pixels()), ids=lambda path: path.name)
@pytest.mark.filterwarnings("ignore")  # of pydicom, that some files are odd
def test_every_sample_looks_as_pydicom_has_it(path):
    data_set = pydicom.dcmread(path)
    if data_set.PhotometricInterpretation == "PALETTE COLOR":
        # It does not swap the words of palettes.
        data_set = pydicom.dcmread(sample(path.name.replace("_expb", "")))
    if "PerFrameFunctionalGroupsSequence" in data_set and data_set.BitsAllocated > 1:
        groups = data_set.PerFrameFunctionalGroupsSequence[0]
        for macro in ("PixelValueTransformationSequence", "FrameVOILUTSequence"):
            found = groups.get(macro) or data_set.SharedFunctionalGroupsSequence[0].get(macro) or [Dataset()]
            data_set.update(found[0])
    wanted = expected(data_set, 0)
    square = "PixelAspectRatio" not in data_set
    got = drawn(path, 1, viewport=Viewport() if square else Viewport(columns=256, rows=1000))
    if not square:
        assert got.shape[:2] == (160, 256)  # 4:3 pixels, 256 x 120 of them
        return
    assert got.shape == wanted.shape
    difference = np.abs(got - wanted.astype(float))
    is_lossy = data_set.file_meta.TransferSyntaxUID in LOSSY
    is_converted = data_set.PhotometricInterpretation.startswith("YBR")
    assert np.percentile(difference, 99) <= (4 if is_lossy else 2 if is_converted else 0.51)
    assert difference.max() <= (40 if is_lossy else 2 if is_converted else 1)


RAMP = np.arange(-128, 128, dtype="<i2").repeat(4).reshape(32, 32)
SIGNED = {"shape": (32, 32, 1), "signed": True}


def item(**attributes):
    data_set = Dataset()
    for keyword, value in attributes.items():
        setattr(data_set, keyword, value)
    return data_set


def close(got, wanted):
    return np.abs(got - np.clip(wanted, 0, 255)).max() <= 0.51


def linear(values, center, width):
    """PS3.3 C.11.2.1.2.1."""
    return np.clip(((values - (center - 0.5)) / (width - 1) + 0.5) * 255, 0, 255)


@pytest.mark.parametrize(
    ("function", "formula"),
    [
        (WindowFunction.LINEAR, lambda x: linear(x, 10, 60)),
        (WindowFunction.LINEAR_EXACT, lambda x: ((x - 10) / 60 + 0.5) * 255),
        (WindowFunction.SIGMOID, lambda x: 255 / (1 + np.exp(-4 * (x - 10) / 60))),
    ],
)
def test_a_window_is_what_the_standard_says_asked_for_or_written(tmp_path, function, formula):
    rescale = {"RescaleSlope": "2", "RescaleIntercept": "-30"}
    plain = write_instance(tmp_path / "a", RAMP.tobytes(), **SIGNED, **rescale)
    window = {"WindowCenter": ["10", "99"], "WindowWidth": ["60", "1"], "VOILUTFunction": function}
    written = write_instance(tmp_path / "b", RAMP.tobytes(), **SIGNED, **rescale, **window)
    wanted = formula(RAMP * 2.0 - 30)
    assert close(drawn(plain, window=Window(center=10, width=60, function=function)), wanted)
    assert close(drawn(written), wanted)
    assert close(drawn(written, window=Window(center=0, width=100)), linear(RAMP * 2.0 - 30, 0, 100))


def test_a_width_of_one_is_a_threshold(tmp_path):
    path = write_instance(tmp_path / "a", RAMP.tobytes(), **SIGNED)
    assert np.array_equal(drawn(path, window=Window(center=5, width=1)), np.where(RAMP >= 5, 255, 0))


@pytest.mark.parametrize(
    ("photometric", "shape", "is_inverted"),
    [
        ("MONOCHROME1", None, True),
        ("MONOCHROME1", "INVERSE", True),
        ("MONOCHROME1", "IDENTITY", False),
        ("MONOCHROME2", "INVERSE", True),
        ("MONOCHROME2", None, False),
    ],
)
def test_what_is_high_is_dark_where_it_is_said(tmp_path, photometric, shape, is_inverted):
    more = {"PresentationLUTShape": shape} if shape else {}
    path = write_instance(tmp_path / "a", RAMP.tobytes(), **SIGNED, photometric=photometric, **more)
    wanted = (RAMP + 128) / 255 * 255
    assert close(drawn(path), 255 - wanted if is_inverted else wanted)


def test_padding_does_not_count_as_the_range_of_a_frame(tmp_path):
    values = RAMP.copy()
    values[:4] = -2000
    values[4:6] = -1990
    padding = {"PixelPaddingValue": -2000, "PixelPaddingRangeLimit": -1980}
    path = write_instance(tmp_path / "a", values.tobytes(), **SIGNED, **padding)
    low, high = values[6:].min(), values[6:].max()
    assert close(drawn(path), (values - low) / (high - low) * 255)


def test_bits_beside_the_stored_ones_are_not_seen(tmp_path):
    shifted = ((RAMP.astype("<u2") & 0xFFF) << 2) | 0xC003
    path = write_instance(tmp_path / "a", shifted.astype("<u2").tobytes(), **SIGNED, bits=(16, 12, 13))
    assert close(drawn(path), (RAMP + 128) / 255 * 255)


def test_each_frame_is_shown_by_its_own_functional_groups(tmp_path):
    frames = np.stack([RAMP, RAMP, RAMP])
    own = [item(), item(), item()]
    own[1].FrameVOILUTSequence = [item(WindowCenter="0", WindowWidth="21")]
    own[1].PixelValueTransformationSequence = [item(RescaleSlope="3", RescaleIntercept="5")]
    shared = item(FrameVOILUTSequence=[item(WindowCenter="0", WindowWidth="101")])
    path = write_instance(
        tmp_path / "a",
        frames.tobytes(),
        **SIGNED,
        frames=3,
        WindowCenter="1000",
        WindowWidth="1",
        PerFrameFunctionalGroupsSequence=Sequence(own),
        SharedFunctionalGroupsSequence=Sequence([shared]),
    )
    assert close(drawn(path, 1), linear(RAMP, 0, 101))
    assert close(drawn(path, 2), linear(RAMP * 3.0 + 5, 0, 21))
    assert np.array_equal(drawn(path, 3), drawn(path, 1))
    assert np.array_equal(drawn(path), drawn(path, 2))  # the middle one represents them


def test_what_is_known_of_a_file_is_not_said_of_the_one_that_replaces_it(tmp_path):
    group = item(FrameVOILUTSequence=[item(WindowCenter="0", WindowWidth="101")])
    for wide in (0, 3):
        group.FrameVOILUTSequence[0].WindowWidth = str(101 * (1 + wide))
        groups = Sequence([item()] * wide + [group])
        path = write_instance(
            tmp_path / "new",
            np.stack([RAMP] * (wide + 1)).tobytes(),
            **SIGNED,
            frames=wide + 1,
            PerFrameFunctionalGroupsSequence=groups,
        ).rename(tmp_path / "a")
        for _ in range(2):
            assert close(drawn(path, wide + 1), linear(RAMP, 0, 101 * (1 + wide)))


def test_the_representative_frame_is_the_one_that_the_instance_names(tmp_path):
    frames = np.stack([RAMP, RAMP[::-1], RAMP.T])
    path = write_instance(tmp_path / "a", frames.tobytes(), **SIGNED, frames=3, RepresentativeFrameNumber=3)
    assert np.array_equal(drawn(path), drawn(path, 3))
    assert not np.array_equal(drawn(path), drawn(path, 2))


@pytest.mark.parametrize(("keyword", "dtype"), [("FloatPixelData", "<f4"), ("DoubleFloatPixelData", "<f8")])
def test_real_numbers_are_shown_from_the_lowest_to_the_highest(tmp_path, keyword, dtype):
    values = (RAMP / 1000).astype(dtype)
    values[0, 0], values[0, 1] = np.nan, np.inf
    bits = values.dtype.itemsize * 8
    path = write_instance(tmp_path / "a", values.tobytes(), shape=(32, 32, 1), bits=(bits, bits, bits - 1))
    data_set = pydicom.dcmread(path)
    del data_set.PixelData, data_set.BitsStored, data_set.HighBit, data_set.PixelRepresentation
    setattr(data_set, keyword, values.tobytes())
    data_set.save_as(path)
    got = drawn(path)
    inside = np.where(np.isfinite(values), values, -0.128)
    wanted = (inside - inside.min()) / np.ptp(inside) * 255
    wanted[0, 1] = 255
    assert close(got, wanted)


def palette(entries, **segmented):
    """Of 16 bits, from -100 on."""
    attributes = dict(segmented)
    for colour, values in zip(("Red", "Green", "Blue"), entries, strict=True):
        attributes[f"{colour}PaletteColorLookupTableDescriptor"] = [256, -100, 16]
        if not segmented:
            attributes[f"{colour}PaletteColorLookupTableData"] = values.astype("<u2").tobytes()
    return attributes


def test_a_palette_begins_where_it_says(tmp_path):
    entries = np.random.default_rng(1).integers(0, 65536, (3, 256))
    path = write_instance(
        tmp_path / "a", RAMP.tobytes(), **SIGNED, photometric="PALETTE COLOR", **palette(entries)
    )
    indices = np.clip(RAMP + 100, 0, 255)
    assert np.array_equal(drawn(path), np.moveaxis(entries[:, indices] >> 8, 0, -1))


def test_a_segmented_palette_is_what_its_segments_stand_for(tmp_path):
    # Two entries; up to 2560 in 126; a copy of both, which goes on from there.
    words = np.array([0, 2, 256, 512, 1, 126, 2560, 2, 2, 0, 0], "<u2")
    up = np.rint(np.linspace(512, 2560, 127))[1:]
    red = np.concatenate([[256, 512], up, [256, 512], up])
    segments = {
        f"Segmented{each}PaletteColorLookupTableData": words.tobytes() for each in ("Red", "Green", "Blue")
    }
    path = write_instance(
        tmp_path / "a",
        RAMP.tobytes(),
        **SIGNED,
        photometric="PALETTE COLOR",
        **palette([red] * 3, **segments),
    )
    assert np.array_equal(drawn(path)[..., 0], red.astype(int)[np.clip(RAMP + 100, 0, 255)] >> 8)


PICTURE = np.random.default_rng(2).integers(0, 256, (40, 60, 3), "u1")


@pytest.fixture
def colours(tmp_path):
    return write_instance(
        tmp_path / "colours", PICTURE.tobytes(), shape=(40, 60, 3), photometric="RGB", bits=(8, 8, 7)
    )


def test_planes_give_the_same_colours(tmp_path, colours):
    planes = np.moveaxis(PICTURE, -1, 0).tobytes()
    path = write_instance(
        tmp_path / "a", planes, shape=(40, 60, 3), photometric="RGB", bits=(8, 8, 7), planar=1
    )
    assert np.array_equal(drawn(path), PICTURE)
    assert np.array_equal(drawn(colours, window=Window(center=0, width=1)), PICTURE)


def test_a_region_is_cut_out_and_flipped(colours):
    cut = PICTURE[5:25, 10:40]
    for flipped, wanted in (((False, False), cut), ((True, False), cut[:, ::-1]), ((False, True), cut[::-1])):
        viewport = Viewport(
            columns=30,
            rows=20,
            region=Region(left=10, top=5, width=30, height=20),
            is_flipped_horizontally=flipped[0],
            is_flipped_vertically=flipped[1],
        )
        assert np.array_equal(drawn(colours, viewport=viewport), wanted)
    quarter = Region(left=0.5, top=0.5, width=0.5, height=0.5, is_relative=True)
    assert np.array_equal(drawn(colours, viewport=Viewport(region=quarter)), PICTURE[20:, 30:])
    to_the_edge = Viewport(region=Region(left=50, top=30, width=500))
    assert np.array_equal(drawn(colours, viewport=to_the_edge), PICTURE[30:, 50:])


@pytest.mark.parametrize(
    ("viewport", "spacing", "size"),
    [
        ((30, 30), None, (20, 30)),
        ((600, 100), None, (100, 150)),
        ((30, None), None, (20, 30)),
        ((None, 80), None, (80, 120)),
        ((None, None), ["2", "1"], (80, 60)),
        ((None, None), ["1", "2"], (40, 120)),
        ((60, 60), ["3", "1"], (60, 30)),
        ((None, None), ["1", "0"], (40, 60)),
        ((None, None), ["1e9", "1"], (40, 60)),
    ],
)
def test_a_picture_fits_its_viewport_and_keeps_its_proportions(tmp_path, viewport, spacing, size):
    more = {"PixelSpacing": spacing} if spacing else {}
    path = write_instance(
        tmp_path / "a", PICTURE[..., 0].tobytes(), shape=(40, 60, 1), bits=(8, 8, 7), **more
    )
    assert drawn(path, viewport=Viewport(columns=viewport[0], rows=viewport[1])).shape == size


def test_nothing_is_written_into_a_picture_but_what_is_asked_for(tmp_path):
    black = np.zeros((200, 300), "u1").tobytes()
    one, other = (
        write_instance(
            tmp_path / name, black, shape=(200, 300, 1), bits=(8, 8, 7), PatientName=name, Modality="CT"
        )
        for name in ("Somebody^Else", "Nobody")
    )
    assert not drawn(one).any()
    technique = drawn(one, annotations=(Annotation.TECHNIQUE,))
    assert technique[100:].any()
    assert not technique[:100].any()
    assert np.array_equal(technique, drawn(other, annotations=(Annotation.TECHNIQUE,)))
    patient = drawn(one, annotations=(Annotation.PATIENT,))
    assert patient[:100].any()
    assert not patient[100:].any()
    assert not np.array_equal(patient, drawn(other, annotations=(Annotation.PATIENT,)))


def test_an_animation_has_every_frame_for_its_time(tmp_path):
    frames = np.stack([np.full((32, 32), value, "u1") for value in (0, 100, 200)])
    frames[:, 0, 0], frames[:, 0, 1] = 0, 255
    path = write_instance(
        tmp_path / "a",
        frames.tobytes(),
        shape=(32, 32, 1),
        bits=(8, 8, 7),
        frames=3,
        FrameTimeVector=["0", "50", "200"],
    )
    image = Image.open(BytesIO(drawn_file(path, 1, 2, 3, media_type=GIF)))
    seen = []
    for number in range(image.n_frames):
        image.seek(number)
        seen.append((image.info["duration"], image.convert("L").getpixel((16, 16))))
    assert seen == [(50, 0), (200, 100), (200, 200)]


def test_quality_costs_bytes_and_a_profile_comes_when_asked_for(tmp_path):
    profile = b"a profile, as far as anybody here looks at it"
    path = write_instance(
        tmp_path / "a",
        PICTURE.tobytes(),
        shape=(40, 60, 3),
        photometric="RGB",
        bits=(8, 8, 7),
        ICCProfile=profile,
    )
    low, high = (drawn_file(path, media_type=JPEG, quality=quality) for quality in (5, 95))
    assert len(low) < len(high) / 2
    assert "icc_profile" not in Image.open(BytesIO(high)).info
    with_profile = Image.open(BytesIO(drawn_file(path, media_type=JPEG, with_icc_profile=True)))
    assert with_profile.info["icc_profile"].startswith(profile)


@pytest.mark.parametrize(
    ("attributes", "outcome"),
    [
        ({"photometric": "PALETTE COLOR"}, Outcome.CORRUPT),
        ({"ModalityLUTSequence": [item(LUTDescriptor=[256, 0, 16], LUTData=b"12")]}, Outcome.CORRUPT),
        ({"VOILUTSequence": [item(LUTDescriptor=[1, 0, 99], LUTData=b"12")]}, Outcome.CORRUPT),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_what_cannot_be_shown_is_refused_with_its_reason(tmp_path, attributes, outcome):
    path = write_instance(tmp_path / "a", RAMP.tobytes(), **SIGNED, **attributes)
    refusal = drawn_file(path)
    assert isinstance(refusal, Refusal)
    assert refusal.outcome is outcome
