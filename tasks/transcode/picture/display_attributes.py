"""What an instance says of how a frame of it is displayed. PS3.3 C.7.6.3, C.7.6.16, C.11, PS3.4 N.2."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from dicomhub.standard.data_set_level import Level
from tasks.transcode.picture.lookup_table import LookupTable, lookup_table
from tasks.transcode.picture_order import Window, WindowFunction
from tasks.transcode.pixel_description import PixelDescription

_PIXEL_ASPECT_RATIO: Final = 0x00280034
# Rows apart, columns apart; the first that is there counts.
_SPACINGS: Final = (0x00280030, 0x00181164, 0x00182010)
_PIXEL_PADDING_VALUE: Final = 0x00280120
_PIXEL_PADDING_RANGE_LIMIT: Final = 0x00280121
_WINDOW_CENTER: Final = 0x00281050
_WINDOW_WIDTH: Final = 0x00281051
_RESCALE_INTERCEPT: Final = 0x00281052
_RESCALE_SLOPE: Final = 0x00281053
_VOI_LUT_FUNCTION: Final = 0x00281056
_MODALITY_LUT_SEQUENCE: Final = 0x00283000
_VOI_LUT_SEQUENCE: Final = 0x00283010
_REPRESENTATIVE_FRAME_NUMBER: Final = 0x00286010
_PRESENTATION_LUT_SHAPE: Final = 0x20500020
_PIXEL_MEASURES_SEQUENCE: Final = 0x00289110
_FRAME_VOI_LUT_SEQUENCE: Final = 0x00289132
_PIXEL_VALUE_TRANSFORMATION_SEQUENCE: Final = 0x00289145
_SHARED_FUNCTIONAL_GROUPS: Final = 0x52009229
_PER_FRAME_FUNCTIONAL_GROUPS: Final = 0x52009230
# Of one bit, both values are shown, whichever of them a frame has.
_BLACK_AND_WHITE: Final = Window(center=0.5, width=1.0, function=WindowFunction.LINEAR_EXACT)
# What is further from square than this is a slip of whoever wrote it.
_MAX_ASPECT: Final = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Greys:
    """How stored values become shades of grey: modality, values of interest, and whether high is dark.

    modality_lut goes before slope and intercept. voi is None where nothing is said. padding are the stored
    values, both included, that are no part of the image. PS3.4 N.2.1.
    """

    modality_lut: LookupTable | None
    slope: float
    intercept: float
    voi: LookupTable | Window | None
    is_inverted: bool
    padding: tuple[int, int] | None


def greys(level: Level, pixels: PixelDescription, index: int) -> Greys:
    """For a frame, numbered from 0. Raises DataSetMalformed and PixelsCorrupt."""
    item = level.item(_MODALITY_LUT_SEQUENCE)
    modality_lut = lookup_table(item, is_signed=pixels.is_signed) if item else None
    slope, intercept = _rescale(_described(level, _PIXEL_VALUE_TRANSFORMATION_SEQUENCE, index))
    may_be_negative = modality_lut is None and (pixels.is_signed or intercept < 0 or slope < 0)
    voi = _voi(_described(level, _FRAME_VOI_LUT_SEQUENCE, index), is_signed=may_be_negative)
    if voi is None and pixels.bits_stored == 1:
        voi = _BLACK_AND_WHITE
    return Greys(
        modality_lut=modality_lut,
        slope=slope,
        intercept=intercept,
        voi=voi,
        is_inverted=_is_inverted(level, pixels),
        padding=_padding(level, pixels),
    )


def aspect_ratio(level: Level, index: int) -> float:
    """How many times as high as wide a pixel of a frame is. PS3.3 C.7.6.3.1.7, 10.7.1.3."""
    for place in _described(level, _PIXEL_MEASURES_SEQUENCE, index):
        for tag in _SPACINGS:
            ratio = _ratio(place.decimals(tag))
            if ratio is not None:
                return ratio
    return _ratio(level.decimals(_PIXEL_ASPECT_RATIO)) or 1.0


def representative_frame(level: Level, number_of_frames: int) -> int:
    """Its number, from 1. PS3.3 C.7.6.6."""
    said = next(iter(level.words(_REPRESENTATIVE_FRAME_NUMBER)), 0)
    return said if 1 <= said <= number_of_frames else (number_of_frames + 1) // 2


def _described(level: Level, macro: int, index: int) -> tuple[Level, ...]:
    """Where an attribute of a functional group may stand: of the frame, of all frames, at the top."""
    return (*_functional_groups(level, macro, index), level)


def _functional_groups(level: Level, macro: int, index: int) -> Iterator[Level]:
    groups = (level.item(_PER_FRAME_FUNCTIONAL_GROUPS, index), level.item(_SHARED_FUNCTIONAL_GROUPS))
    for group in groups:
        item = group.item(macro) if group else None
        if item:
            yield item


def _rescale(places: tuple[Level, ...]) -> tuple[float, float]:
    for place in places:
        slope, intercept = place.decimal(_RESCALE_SLOPE), place.decimal(_RESCALE_INTERCEPT)
        if slope is not None or intercept is not None:
            return slope or 1.0, intercept or 0.0
    return 1.0, 0.0


def _voi(places: tuple[Level, ...], *, is_signed: bool) -> LookupTable | Window | None:
    """The first that is there; of a table and a window, the table: it was made for these very values."""
    for place in places:
        item = place.item(_VOI_LUT_SEQUENCE)
        if item:
            return lookup_table(item, is_signed=is_signed)
        center, width = place.decimal(_WINDOW_CENTER), place.decimal(_WINDOW_WIDTH)
        if center is not None and width is not None and width > 0:
            return Window(center=center, width=width, function=_function(place, width))
    return None


def _function(place: Level, width: float) -> WindowFunction:
    said = place.text(_VOI_LUT_FUNCTION).upper()
    if said in (WindowFunction.LINEAR_EXACT, WindowFunction.SIGMOID):
        return WindowFunction(said)
    # Below 1, LINEAR is not defined, and widths of real numbers may well be.
    return WindowFunction.LINEAR if width >= 1 else WindowFunction.LINEAR_EXACT


def _is_inverted(level: Level, pixels: PixelDescription) -> bool:
    shape = level.text(_PRESENTATION_LUT_SHAPE).upper()
    if shape in ("IDENTITY", "INVERSE"):
        return shape == "INVERSE"
    return pixels.photometric_interpretation == "MONOCHROME1"


def _padding(level: Level, pixels: PixelDescription) -> tuple[int, int] | None:
    values = level.words(_PIXEL_PADDING_VALUE, is_signed=pixels.is_signed)
    if not values:
        return None
    limits = level.words(_PIXEL_PADDING_RANGE_LIMIT, is_signed=pixels.is_signed) or values
    return min(values[0], limits[0]), max(values[0], limits[0])


def _ratio(sizes: list[float]) -> float | None:
    if len(sizes) != 2 or min(sizes) <= 0:
        return None
    ratio = sizes[0] / sizes[1]
    return ratio if 1 / _MAX_ASPECT <= ratio <= _MAX_ASPECT else None
