"""A deployment's own decoder (CODEC_MODULES) of JPEG-LS, that does what codecs do on bad days.

The number of columns says what. Each decode is a line in the file that DECODED_LOG names.
"""

import os
import time
from pathlib import Path

from tasks.transcode.codecs.codec import Decoder
from tasks.transcode.codecs.jpeg_ls_codec import DECODERS as JPEG_LS

HANGS, ABORTS, EATS_MEMORY, IS_SLOW = 21, 22, 23, 24
_HOARD = []


def _decode(frame, pixels, transfer_syntax_uid):
    if log := os.environ.get("DECODED_LOG"):
        with Path(log).open("a") as file:
            file.write(f"{len(frame)}\n")
    match pixels.columns:
        case 21:
            while True:
                time.sleep(1)
        case 22:
            os.abort()
        case 23:
            while True:
                _HOARD.append(bytearray(16 * 1024 * 1024))
        case 24:
            time.sleep(0.1)
    return JPEG_LS[0].decode(frame, pixels, transfer_syntax_uid)


DECODERS = (Decoder("misbehaving", JPEG_LS[0].transfer_syntax_uids, _decode),)
