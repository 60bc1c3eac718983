"""Decoded samples made into native frames, and native frames into samples to encode. PS3.5 8.1.1, 8.2."""

from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tasks.transcode.codecs.codec import Decoded, Octets, PixelsCorrupt, PixelsUnsupported
from tasks.transcode.codecs.codestream import CodestreamHeader
from tasks.transcode.pixel_description import PixelDescription

Samples = NDArray[Any]
"""Rows x columns x samples per pixel of unsigned or signed integers."""

_HALF: Final = 1 << 15


def container_bytes(precision: int) -> int:
    """Bytes of the samples that every codec here gives for a precision, up to 32 bits."""
    return 1 if precision <= 8 else 2 if precision <= 16 else 4


def decoded(
    samples: Octets, header: CodestreamHeader, pixels: PixelDescription, *, photometric: str
) -> Decoded:
    """A native frame of what a codec gives: interleaved samples, little endian, as container_bytes says.

    Pixel Representation and Bits Allocated say how to write them, whatever the codestream says of sign: the
    bits that it has are the same. Samples of fewer bits are extended by their sign, or by zeros. The codec
    was given a codestream that codestream.check_codestream lets pass. Raises PixelsCorrupt.
    """
    container = container_bytes(header.precision)
    if len(samples) != container * header.rows * header.columns * header.components:
        raise PixelsCorrupt(f"the codec gave {len(samples)} bytes")
    lies = replace(pixels, planar_configuration=0, photometric_interpretation=photometric)
    values: Samples = np.frombuffer(samples, f"<u{container}")
    unused = 8 * container - header.precision
    is_signed = pixels.is_signed and (header.is_signed or header.precision >= pixels.bits_stored)
    if container * 8 == pixels.bits_allocated and unused == 0:
        return Decoded(samples, lies)
    if is_signed:
        values = np.right_shift((values << unused).view(f"<i{container}"), unused)
    elif unused and header.is_signed:
        values = values & ((1 << header.precision) - 1)
    native = values.astype(f"<{'i' if is_signed else 'u'}{pixels.bits_allocated // 8}", copy=False)
    return Decoded(native.tobytes(), lies)


def as_rgb(samples: Octets, precision: int) -> bytes:
    """YCbCr of 8 bits, or of 12 in 16, interleaved, as RGB: in libjpeg's integers, to the last bit."""
    values = np.frombuffer(samples, f"<u{container_bytes(precision)}").reshape(-1, 3).astype(np.int32)
    centre, largest = 1 << precision - 1, (1 << precision) - 1
    luminance, blue, red = values[:, 0], values[:, 1] - centre, values[:, 2] - centre
    rgb = np.empty_like(values)
    rgb[:, 0] = luminance + (91881 * red + _HALF >> 16)
    rgb[:, 1] = luminance + (-22554 * blue - 46802 * red + _HALF >> 16)
    rgb[:, 2] = luminance + (116130 * blue + _HALF >> 16)
    return np.clip(rgb, 0, largest).astype(f"<u{container_bytes(precision)}").tobytes()


def as_ybr_full(samples: Octets, pixels: PixelDescription) -> bytes:
    """RGB, interleaved, as YBR_FULL: the inverse of as_rgb, but for what that has rounded and cut off."""
    item = f"<u{pixels.bits_allocated // 8}"
    values = np.frombuffer(samples, item).reshape(-1, 3).astype(np.int64)
    red, green, blue = values[:, 0], values[:, 1], values[:, 2]
    centre = (1 << pixels.bits_stored - 1 << 16) + _HALF - 1
    ybr = np.empty_like(values)
    ybr[:, 0] = 19595 * red + 38470 * green + 7471 * blue + _HALF >> 16
    ybr[:, 1] = -11059 * red - 21709 * green + 32768 * blue + centre >> 16
    ybr[:, 2] = 32768 * red - 27439 * green - 5329 * blue + centre >> 16
    return ybr.astype(item).tobytes()


def subsampled(samples: Octets, pixels: PixelDescription) -> bytes:
    """YBR_FULL, interleaved, as YBR_FULL_422: Y Y Cb Cr for each two pixels of a row. PS3.3 C.7.6.3.1.2."""
    pairs = np.frombuffer(samples, f"<u{pixels.bits_allocated // 8}").reshape(-1, 2, 3)
    halves = np.empty((len(pairs), 4), pairs.dtype)
    halves[:, :2] = pairs[:, :, 0]
    halves[:, 2:] = (pairs[:, 0, 1:].astype(np.uint32) + pairs[:, 1, 1:] + 1) // 2
    return halves.tobytes()


def planar(samples: Octets, pixels: PixelDescription) -> bytes:
    """Interleaved samples in planar configuration 1."""
    interleaved_samples = np.frombuffer(samples, f"<u{pixels.bits_allocated // 8}")
    return interleaved_samples.reshape(-1, pixels.samples_per_pixel).T.tobytes()


def interleaved(samples: Octets, pixels: PixelDescription) -> Decoded:
    """A native frame in planar configuration 0, and without subsampling. PS3.3 C.7.6.3.1.2, C.7.6.3.1.3."""
    if pixels.samples_per_pixel == 1 or pixels.bits_allocated < 8:
        return Decoded(samples, pixels)
    item = np.dtype(f"<u{pixels.bits_allocated // 8}")
    if pixels.photometric_interpretation == "YBR_FULL_422":
        pairs = np.frombuffer(samples, item).reshape(-1, 4)  # Y Y Cb Cr
        full = pairs[:, (0, 2, 3, 1, 2, 3)]
        lies = replace(pixels, photometric_interpretation="YBR_FULL", planar_configuration=0)
        return Decoded(full.tobytes(), lies)
    if pixels.planar_configuration == 0:
        return Decoded(samples, pixels)
    planes = np.frombuffer(samples, item).reshape(pixels.samples_per_pixel, -1)
    return Decoded(planes.T.tobytes(), replace(pixels, planar_configuration=0))


def samples_of(frame: Octets, pixels: PixelDescription) -> Samples:
    """The samples of a native frame in planar configuration 0, by Pixel Representation."""
    if pixels.bits_allocated < 8:
        raise PixelsUnsupported("one bit a pixel")
    kind = "i" if pixels.is_signed else "u"
    values = np.frombuffer(frame, f"<{kind}{pixels.bits_allocated // 8}")
    return values.reshape(pixels.rows, pixels.columns, pixels.samples_per_pixel)


def stored_values(frame: Decoded) -> Decoded:
    """A native frame without what its samples have above Bits Stored: extended by sign, or by zeros.

    As it is, where those bits are in use. PS3.5 8.1.1.
    """
    pixels = frame.pixels
    unused = pixels.bits_allocated - pixels.bits_stored
    if unused == 0 or pixels.bits_allocated < 8 or not pixels.is_all_in_low_bits:
        return frame
    kind = "i" if pixels.is_signed else "u"
    values = np.frombuffer(frame.samples, f"<{kind}{pixels.bits_allocated // 8}")
    return Decoded(np.right_shift(values << unused, unused).tobytes(), pixels)


def samples_to_encode(frame: Octets, pixels: PixelDescription) -> tuple[Samples, PixelDescription]:
    """The samples of Bits Stored that make up a codestream's precision, and how they lie.

    Raises PixelsUnsupported where bits are in use that would be lost.
    """
    if not pixels.is_all_in_low_bits:
        raise PixelsUnsupported("bits above Bits Stored are in use")
    flat = stored_values(interleaved(frame, pixels))
    return samples_of(flat.samples, flat.pixels), flat.pixels
