"""Frames in another transfer syntax than they are stored in: of the rendition that is there, else made now.

Codec processes make them, and write them to a file without a name. Of an instance of thousands of frames
those that are asked for are all that is decoded.
"""

from collections.abc import Sequence
from contextlib import suppress

from dicomhub.dicomweb.retrieve.archived import ArchivedInstance
from dicomhub.dicomweb.retrieve.content import pages_of
from dicomhub.dicomweb.retrieve.frame_bytes import FrameBytes, frames_in
from dicomhub.dicomweb.retrieve.renditions import Renditions
from dicomhub.standard.element import DataSetMalformed
from dicomhub.standard.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN
from tasks.transcode.failure import CodecFailure
from tasks.transcode.making import DecoderFailed
from tasks.transcode.orders import FrameFile, FrameFileOrder
from tasks.transcode.pixel_description import PixelDescription
from tasks.transcode.source import Source, open_source

_TRANSFORMED_BY_JPEG_2000 = ("YBR_RCT", "YBR_ICT")


def coded_frames(
    renditions: Renditions,
    instance: ArchivedInstance,
    source: Source,
    numbers: tuple[int, ...],
    transfer_syntax_uid: str,
) -> Sequence[FrameBytes]:
    """Frames numbered from 1, as orders.FrameFileOrder has them; source is the instance's file, opened.

    Raises NoRendition, NoRoomToRender and CodecUnavailable.
    """
    rendition = rendition_at_hand(renditions, instance, source, transfer_syntax_uid)
    if rendition is not None:
        pages = pages_of(rendition.data)
        return [FrameBytes(rendition.frames.pieces(number - 1), pages) for number in numbers]
    return renditions.by_some_decoder(
        instance,
        lambda decoder, _: _made_now(
            renditions, instance, source.pixels, numbers, transfer_syntax_uid, decoder
        ),
    )


def rendition_at_hand(
    renditions: Renditions, instance: ArchivedInstance, source: Source, transfer_syntax_uid: str
) -> Source | None:
    """A fresh one whose frames lie as the archived instance's metadata say: it needs no codec process."""
    path = renditions.fresh(instance, transfer_syntax_uid)
    if path is None:
        return None
    is_native = transfer_syntax_uid == EXPLICIT_VR_LITTLE_ENDIAN
    with suppress(FileNotFoundError, DataSetMalformed):  # it has made way for another one, or is damaged
        rendition = open_source(path)
        if _lies_as(rendition.pixels, source.pixels, is_native=is_native):
            return rendition
    return None


def _lies_as(rendition: PixelDescription, described: PixelDescription, *, is_native: bool) -> bool:
    """Whether frames of a rendition are what a reader of the archived instance's metadata takes them for."""
    if described.samples_per_pixel == 1:
        return True
    is_same_order = rendition.planar_configuration == described.planar_configuration
    is_same_size = rendition.frame_bytes == described.frame_bytes
    return _colour(rendition) == _colour(described) and (not is_native or (is_same_order and is_same_size))


def _colour(pixels: PixelDescription) -> str:
    colour = pixels.photometric_interpretation
    return "RGB" if colour in _TRANSFORMED_BY_JPEG_2000 else colour


def _made_now(
    renditions: Renditions,
    instance: ArchivedInstance,
    pixels: PixelDescription,
    numbers: tuple[int, ...],
    transfer_syntax_uid: str,
    decoder: str,
) -> Sequence[FrameBytes]:
    """Raises DecoderFailed, NoRoomToRender and CodecUnavailable."""
    decoded_bytes = pixels.frame_bytes * len(numbers)
    renditions.check_room(decoded_bytes)
    incoming = renditions.store.create_incoming()
    try:
        order = FrameFileOrder(
            source_path=str(instance.path),
            output_path=str(incoming.path),
            frame_numbers=numbers,
            target_transfer_syntax_uid=transfer_syntax_uid,
            decoder=decoder,
        )
        made = renditions.pool.run(
            order, FrameFile, decoded_bytes=decoded_bytes, patience_seconds=renditions.patience_seconds
        )
        return frames_in(incoming.path, made.lengths)
    except CodecFailure as failure:
        raise DecoderFailed(decoder, failure.outcome, failure.reason) from failure
    finally:
        incoming.discard()
