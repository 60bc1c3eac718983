"""Pictures as files of JPEG, PNG and GIF."""

from collections.abc import Sequence
from io import BytesIO
from typing import Final

from PIL import Image

from tasks.transcode.picture_order import JPEG, PNG, Look

# Of nine levels: the next takes twice its time to take a tenth off.
_PNG_COMPRESSION: Final = 3


def image_file(
    images: Sequence[Image.Image], look: Look, *, durations: Sequence[int], icc_profile: bytes | None
) -> bytes:
    """One image; or several, as a GIF that shows each for some milliseconds, again and again."""
    first, *rest = images
    file = BytesIO()
    if look.media_type == JPEG:
        first.save(file, "JPEG", quality=look.quality, subsampling=0, icc_profile=icc_profile)
    elif look.media_type == PNG:
        first.save(file, "PNG", compress_level=_PNG_COMPRESSION, icc_profile=icc_profile)
    elif rest:
        first.save(file, "GIF", save_all=True, append_images=rest, duration=list(durations), loop=0)
    else:
        first.save(file, "GIF")
    return file.getvalue()
