"""From stored values to shades of grey: modality, values of interest, presentation. PS3.4 N.2.1, PS3.3 C.11.

A shade is from 0, black, to 255. What is computed for each value that a frame may have, and then looked up,
is computed for thousands of values instead of for millions of pixels.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tasks.transcode.codecs.codec import Decoded
from tasks.transcode.picture.display_attributes import Greys
from tasks.transcode.picture.lookup_table import LookupTable
from tasks.transcode.picture_order import Window, WindowFunction
from tasks.transcode.pixel_description import PixelDescription

Values = NDArray[Any]
Shades = NDArray[np.uint8]

_WHITE: Final = 255.0
_MOST_LOOKED_UP: Final = 1 << 17


def stored_values(frame: Decoded, *, is_floating: bool) -> Values:
    """Rows x columns of a monochrome frame's stored values, without what High Bit leaves out. PS3.5 8.1.1."""
    pixels = frame.pixels
    shape = pixels.rows, pixels.columns
    if pixels.bits_allocated == 1:
        bits = np.unpackbits(np.frombuffer(frame.samples, np.uint8), bitorder="little")
        return bits[: pixels.rows * pixels.columns].reshape(shape)
    item_bytes = pixels.bits_allocated // 8
    if is_floating:
        return np.frombuffer(frame.samples, f"<f{item_bytes}").reshape(shape)
    values: Values = np.frombuffer(frame.samples, f"<u{item_bytes}").reshape(shape)
    return _without_unused_bits(values, pixels)


def _without_unused_bits(values: Values, pixels: PixelDescription) -> Values:
    above = pixels.bits_allocated - 1 - pixels.high_bit
    unused = pixels.bits_allocated - pixels.bits_stored
    signed = f"<i{pixels.bits_allocated // 8}"
    if unused == 0:
        return values.view(signed) if pixels.is_signed else values
    aligned = values << above if above else values
    return aligned.view(signed) >> unused if pixels.is_signed else aligned >> unused


def shades(values: Values, greys: Greys, window: Window | None) -> Shades:
    """A frame as it is displayed; window, where there is one, goes before what the instance says."""
    if window is not None:
        greys = replace(greys, voi=window)
    if greys.voi is None:
        greys = replace(greys, voi=_whole_range(values, greys))
    return looked_up(values, lambda some: _computed(some, greys))


def looked_up(values: Values, compute: Callable[[Values], Shades]) -> Shades:
    """What compute gives for the values, an axis more where it gives several for each."""
    if values.dtype.kind == "f":
        return compute(values)
    low, high = int(values.min()), int(values.max())
    if high - low >= _MOST_LOOKED_UP:
        return compute(values)
    table = compute(np.arange(low, high + 1))
    # Modulo the width of the container, so that no value is too far from the lowest.
    unsigned = values.dtype.str.replace("i", "u")
    offsets = values.view(unsigned) - np.array(low, values.dtype).view(unsigned)
    return np.asarray(table.take(offsets, axis=0))


def _whole_range(values: Values, greys: Greys) -> Window:
    """What shows all values of a frame but its padding, the lowest black and the highest white."""
    inside = values
    if values.dtype.kind == "f":
        inside = values[np.isfinite(values)]
    elif greys.padding is not None:
        lowest, highest = greys.padding
        inside = values[(values < lowest) | (values > highest)]
    if inside.size == 0:
        inside = np.zeros(1)
    ends = np.array([inside.min(), inside.max()])
    if greys.modality_lut is not None:
        ends = np.arange(ends[0], ends[1] + 1)  # a table may go up and down
    ends = _modality(ends, greys)
    low, high = float(ends.min()), float(ends.max())
    width = (high - low) or 1.0  # where all values are the same, all are black
    return Window(center=low + width / 2, width=width, function=WindowFunction.LINEAR_EXACT)


def _computed(values: Values, greys: Greys) -> Shades:
    of_modality = _modality(values, greys)
    match greys.voi:
        case LookupTable() as table:
            shown = table.of(of_modality) * (_WHITE / ((1 << table.bits) - 1))
        case Window() as window:
            shown = _windowed(of_modality, window)
        case None:
            raise AssertionError("there is a window by now")
    if greys.is_inverted:
        shown = _WHITE - shown
    rounded: Shades = np.rint(np.nan_to_num(shown, nan=0.0)).astype(np.uint8)
    return rounded


def _modality(values: Values, greys: Greys) -> NDArray[Any]:
    if greys.modality_lut is not None:
        return greys.modality_lut.of(values).astype(np.float64)
    return values.astype(np.float64) * greys.slope + greys.intercept


def _windowed(values: NDArray[np.float64], window: Window) -> NDArray[np.float64]:
    center, width = window.center, window.width
    match window.function:
        case WindowFunction.SIGMOID:
            with np.errstate(over="ignore"):
                return np.asarray(_WHITE / (1 + np.exp(-4 * (values - center) / width)))
        case WindowFunction.LINEAR_EXACT:
            shown = (values - center) / width + 0.5
        case WindowFunction.LINEAR if width > 1:
            shown = (values - (center - 0.5)) / (width - 1) + 0.5
        case WindowFunction.LINEAR:
            shown = (values > center - 0.5).astype(np.float64)
    return np.clip(shown, 0.0, 1.0) * _WHITE
