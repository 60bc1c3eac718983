"""What becomes of an instance: kept as it is, rendered in another transfer syntax, or neither, and why."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

from dicomhub.standard.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN
from tasks.transcode.pixel_description import PixelDescription, SourceDescription
from tasks.transcode.settings import (
    JPEG_2000,
    JPEG_2000_LOSSLESS,
    JPEG_LS_LOSSLESS,
    JPEG_LS_NEAR_LOSSLESS,
    LOSSY_TARGETS,
    NAMES,
    RLE_LOSSLESS,
    TranscodeSettings,
)

# Pixel Data has a length of 32 bits, even, and FFFFFFFF is taken. PS3.5 7.1.
NATIVE_MAX_BYTES = 2**32 - 2
_RLE_MAX_SEGMENTS = 15  # PS3.5 G.5
_J2K_MAX_BITS = 24  # what OpenJPEG encodes without loss
_JPEG_LS_MIN_BITS = 2  # ISO/IEC 14495-1 C.2.2
_KEEP_EVERY_BIT = (EXPLICIT_VR_LITTLE_ENDIAN, RLE_LOSSLESS)  # those above Bits Stored too


class Action(StrEnum):
    KEEP = "keep"
    RENDITION = "rendition"
    CANNOT = "cannot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """target is a transfer syntax, "" where there is no rendition; near and ratio as in TranscodeSettings."""

    action: Action
    reason: str
    target: str = ""
    near: int = 0
    ratio: float = 0.0


def is_for_viewers(transfer_syntax_uid: str, settings: TranscodeSettings) -> bool:
    """Whether viewers decode it as it is: then there is nothing to plan, and no file to look at."""
    return transfer_syntax_uid in settings.viewer_transfer_syntaxes


def plan(source: SourceDescription, settings: TranscodeSettings, *, decodable: AbstractSet[str]) -> Plan:
    """Decide. decodable are the transfer syntaxes that some decoder reads.

    What the wanted target cannot hold becomes Explicit VR Little Endian, where viewers decode that.
    """
    if is_for_viewers(source.transfer_syntax_uid, settings):
        return Plan(action=Action.KEEP, reason="viewers decode it")
    if source.pixels is None:
        return Plan(action=Action.KEEP, reason="no pixels")
    if source.transfer_syntax_uid not in decodable:
        name = NAMES.get(source.transfer_syntax_uid, source.transfer_syntax_uid)
        return Plan(action=Action.CANNOT, reason=f"no decoder for {name}")
    return _rendition(source.pixels, settings)


def _rendition(pixels: PixelDescription, settings: TranscodeSettings) -> Plan:
    wanted = settings.target_transfer_syntax_uid
    unfit = why_not(pixels, wanted)
    if unfit is None:
        return Plan(
            action=Action.RENDITION,
            target=wanted,
            reason="viewers do not decode it",
            near=settings.near,
            ratio=settings.ratio,
        )
    native = EXPLICIT_VR_LITTLE_ENDIAN
    if wanted != native and is_for_viewers(native, settings) and why_not(pixels, native) is None:
        return Plan(action=Action.RENDITION, target=native, reason=f"native, for {unfit}")
    return Plan(action=Action.CANNOT, reason=unfit)


def why_not(pixels: PixelDescription, target_transfer_syntax_uid: str) -> str | None:
    """Why a target cannot hold such pixels; None when it can. PS3.5 8.2, A.4, G."""
    target = target_transfer_syntax_uid
    # Counted in full: a decoder may give three samples where the description has two. PS3.3 C.7.6.3.1.2.
    frame_bits = pixels.rows * pixels.columns * pixels.samples_per_pixel * pixels.bits_allocated
    if (native_bytes := (frame_bits * pixels.number_of_frames + 7) // 8) > NATIVE_MAX_BYTES:
        return f"{native_bytes} bytes of native pixels are more than a length of 32 bits can say"
    if target in LOSSY_TARGETS and pixels.photometric_interpretation == "PALETTE COLOR":
        return "palette colours must not be changed"
    if target == JPEG_LS_NEAR_LOSSLESS and pixels.is_signed:
        # It knows no sign: an error of one would turn the largest value into the smallest.
        return f"{NAMES[target]} of signed samples"
    if target not in _KEEP_EVERY_BIT and not pixels.is_all_in_low_bits:
        return f"{NAMES[target]} of samples that have an overlay or lie above bit {pixels.bits_stored}"
    if _holds(pixels, target):
        return None
    return f"{NAMES[target]} cannot hold {pixels.bits_allocated} bits allocated, {pixels.bits_stored} stored"


def _holds(pixels: PixelDescription, target: str) -> bool:
    if target == RLE_LOSSLESS:
        segments = pixels.samples_per_pixel * pixels.bits_allocated // 8
        return pixels.bits_allocated % 8 == 0 and segments <= _RLE_MAX_SEGMENTS
    if target in {JPEG_LS_LOSSLESS, JPEG_LS_NEAR_LOSSLESS}:
        return pixels.bits_allocated in {8, 16} and pixels.bits_stored >= _JPEG_LS_MIN_BITS
    if target in {JPEG_2000_LOSSLESS, JPEG_2000}:
        return pixels.bits_allocated in {8, 16, 32} and pixels.bits_stored <= _J2K_MAX_BITS
    return target == EXPLICIT_VR_LITTLE_ENDIAN
