"""A picture of some frames of an instance. PS3.4 N.2, PS3.18 8.3.5."""

from typing import Final

from PIL import Image, ImageCms

from dicomhub.standard.data_set_level import Level, Outline
from tasks.transcode.codecs.codec import Decoder
from tasks.transcode.frame_pipeline import decoded_frame
from tasks.transcode.known import Known
from tasks.transcode.picture.annotation import annotated
from tasks.transcode.picture.cine import durations
from tasks.transcode.picture.colour import PALETTE_COLOR, coloured, from_palette
from tasks.transcode.picture.display_attributes import aspect_ratio, greys, representative_frame
from tasks.transcode.picture.geometry import placed
from tasks.transcode.picture.grey_scale import shades, stored_values
from tasks.transcode.picture.image_file import image_file
from tasks.transcode.picture_order import Look
from tasks.transcode.pixel_element import PIXEL_DATA
from tasks.transcode.source import Source

_ICC_PROFILE: Final = 0x00282000
_OPTICAL_PATH_SEQUENCE: Final = 0x00480105
_OUTLINES: Final = Known[Outline](16)


def make_picture(source: Source, decoder: Decoder, frame_numbers: tuple[int, ...], look: Look) -> bytes:
    """An image file, as PictureOrder says. Raises PixelsUnsupported, PixelsCorrupt, DataSetMalformed."""
    level = _level(source)
    numbers = frame_numbers or (representative_frame(level, len(source.frames)),)
    images = [_picture(source, decoder, level, number, look) for number in numbers]
    profile = _icc_profile(level) if look.with_icc_profile and images[0].mode == "RGB" else None
    return image_file(images, look, durations=durations(level, numbers), icc_profile=profile)


def _level(source: Source) -> Level:
    outline = _OUTLINES.of(source.key, lambda: Level(source.data, source.encoding).outline)
    return Level(source.data, source.encoding, outline=outline)


def _picture(source: Source, decoder: Decoder, level: Level, number: int, look: Look) -> Image.Image:
    index = number - 1
    image = _displayed(source, decoder, level, index, look)
    image = placed(image, look.viewport, aspect_ratio=aspect_ratio(level, index))
    frame_number = number if len(source.frames) > 1 else None
    return annotated(image, level, look.annotations, frame_number=frame_number)


def _displayed(source: Source, decoder: Decoder, level: Level, index: int, look: Look) -> Image.Image:
    """All of a frame, in shades of grey or in colours. A window changes nothing of colours."""
    frame = decoded_frame(source, decoder, index)
    pixels = frame.pixels
    if pixels.samples_per_pixel > 1:
        return coloured(frame)
    if pixels.photometric_interpretation == PALETTE_COLOR:
        return from_palette(frame, level)
    values = stored_values(frame, is_floating=source.element.tag != PIXEL_DATA)
    return Image.fromarray(shades(values, greys(level, pixels, index), look.window), "L")


def _icc_profile(level: Level) -> bytes:
    """That of a colour image, or of the first optical path; else sRGB. PS3.3 C.11.15, PS3.18 8.3.5.1.5."""
    path = level.item(_OPTICAL_PATH_SEQUENCE)
    own = bytes(level.value(_ICC_PROFILE) or (path.value(_ICC_PROFILE) if path else b""))
    return own or ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
