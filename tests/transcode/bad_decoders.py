"""A deployment's decoder (CODEC_MODULES) that does what a codestream's last bytes say, and then decodes as ours do.

Each decode is a line in the file that DECODED_LOG names.
"""

import os
from pathlib import Path

import numpy as np

from tasks.transcode.codecs import gdcm_decoder, jpeg_ls_codec, openjpeg_codec
from tasks.transcode.codecs.codec import Decoder
from tests.transcode import misbehaving

NAME = "bad"
HANG, ABORT, EAT, DAWDLE = b"<hangs>!", b"<aborts>", b"<eats> !", b"<dawdles"
_GOOD = (*jpeg_ls_codec.DECODERS, *gdcm_decoder.DECODERS, *openjpeg_codec.DECODERS)
_HOARD = []


def _eat(_order):
    """Untouched, and counted by the limit all the same: on a busy machine pages that are touched take seconds."""
    while True:
        _HOARD.append(np.empty(16 * 1024 * 1024, "u1"))


_DEEDS = {
    HANG: misbehaving.hang_in_c,
    ABORT: misbehaving.abort,
    EAT: _eat,
    DAWDLE: misbehaving.dawdle,
}


def _decode(frame, pixels, transfer_syntax_uid):
    if log := os.environ.get("DECODED_LOG"):
        with Path(log).open("a") as file:
            file.write(f"{len(frame)}\n")
    deed = _DEEDS.get(bytes(frame[-8:]))
    if deed is not None:
        deed(None)
    good = next(one for one in _GOOD if transfer_syntax_uid in one.transfer_syntax_uids)
    return good.decode(frame, pixels, transfer_syntax_uid)


DECODERS = (Decoder(NAME, frozenset().union(*(good.transfer_syntax_uids for good in _GOOD)), _decode),)


def burden(data_set, deed):
    """Make the decoder of this instance's frame do a deed, and leave it whole to every other one."""
    import pydicom

    (frame,) = pydicom.encaps.generate_frames(data_set.PixelData, number_of_frames=1)
    data_set.PixelData = pydicom.encaps.encapsulate([frame + bytes(len(frame) % 2) + deed])


def spoil(data_set, deed):
    """Make the decoder of this instance's frame do a deed, and every other one refuse it."""
    import pydicom

    (frame,) = pydicom.encaps.generate_frames(data_set.PixelData, number_of_frames=1)
    cut = frame[: len(frame) // 4 * 2]
    data_set.PixelData = pydicom.encaps.encapsulate([cut + deed])


def burden_files(paths, deed):
    """burden, for files that are there."""
    import pydicom

    for path in paths:
        data_set = pydicom.dcmread(path)
        burden(data_set, deed)
        data_set.save_as(path)
