"""Pictures drawn in this process: what a codec process does with an order, without the process."""

from dataclasses import replace
from io import BytesIO

import numpy as np
from PIL import Image

from tasks.transcode import work
from tasks.transcode.orders import Refusal
from tasks.transcode.picture_order import PNG, Look, Picture, PictureOrder
from tasks.transcode.pixel_description import read_pixel_description
from tests.transcode.rendering import codecs


def drawn_file(path, *frame_numbers, **look):
    """The image file of a picture, or the last Refusal."""
    answer = None
    for decoder in codecs().decoders_of(read_pixel_description(path).transfer_syntax_uid):
        order = PictureOrder(
            source_path=str(path), frame_numbers=frame_numbers, decoder=decoder, look=replace(Look(), **look)
        )
        answer = work.perform(order)
        if isinstance(answer, Picture):
            return answer.image
    return answer


def drawn(path, *frame_numbers, **look):
    """A picture as an array of rows x columns, x 3 where it is coloured."""
    image = drawn_file(path, *frame_numbers, media_type=PNG, **look)
    assert not isinstance(image, Refusal), image
    return np.asarray(Image.open(BytesIO(image)))
