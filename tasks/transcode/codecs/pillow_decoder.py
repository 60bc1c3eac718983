"""Pillow, that is libjpeg-turbo: JPEG of 8 bits."""

from io import BytesIO
from typing import Final

from PIL import Image

from tasks.transcode.codecs.codec import Decoded, Decoder, Octets, PixelsUnsupported
from tasks.transcode.codecs.codestream import check_codestream, read_jpeg_header
from tasks.transcode.codecs.samples import decoded
from tasks.transcode.pixel_description import PixelDescription

_JPEG: Final = frozenset(f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 53, 55))


def _decode(frame: Octets, pixels: PixelDescription, _transfer_syntax_uid: str) -> Decoded:
    header = read_jpeg_header(frame)
    if header.precision != 8 or header.components not in (1, 3):
        raise PixelsUnsupported(
            f"Pillow reads no JPEG of {header.precision} bits, {header.components} components"
        )
    check_codestream(header, frame, pixels)
    image = Image.open(BytesIO(frame), formats=("JPEG",))
    photometric = pixels.photometric_interpretation
    if header.components == 3:
        if not header.is_ycbcr(photometric) and header.adobe_transform is None:
            # libjpeg takes three components without a mark for YCbCr, and gives YCbCr as it is.
            image.draft("YCbCr", image.size)
        photometric = "RGB"
    return decoded(image.tobytes(), header, pixels, photometric=photometric)


DECODERS = (Decoder("pillow", _JPEG, _decode),)
