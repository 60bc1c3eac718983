"""A deployment's decoders (CODEC_MODULES) that do what a codestream's last bytes say, and else decode as ours do."""

from tasks.transcode.codecs import gdcm_decoder, jpeg_ls_codec, openjpeg_codec
from tasks.transcode.codecs.codec import Decoder
from tests.transcode import misbehaving

# Behind the end of a codestream that is cut short, so that no other decoder can make an image of it.
HANG, ABORT, EAT = b"<hangs>!", b"<aborts>", b"<eats> !"
_DEEDS = {
    HANG: misbehaving.hang_in_c,
    ABORT: misbehaving.abort,
    EAT: misbehaving.allocate_for_ever,
}


def _bad(good):
    def decode(frame, pixels, transfer_syntax_uid):
        deed = _DEEDS.get(bytes(frame[-8:]))
        if deed is not None:
            deed(None)
        return good.decode(frame, pixels, transfer_syntax_uid)

    return Decoder(f"bad-{good.name}", good.transfer_syntax_uids, decode)


DECODERS = tuple(
    _bad(good) for good in (*jpeg_ls_codec.DECODERS, *gdcm_decoder.DECODERS, *openjpeg_codec.DECODERS)
)


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
