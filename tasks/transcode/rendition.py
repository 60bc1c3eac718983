"""A rendition: the instance in another transfer syntax, a whole Part 10 file. PS3.5 8.2, PS3.3 C.7.6.3.

Everything but what says how the pixels lie is the source's: the data set, its UIDs too. Only what is
compressed with loss is another image by the standard. It has a SOP Instance UID of its own: the same one each
time that the same is made of the same source. PS3.3 C.7.6.1.1.5.
"""

import os
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import BinaryIO, Final

from dicomhub.standard.changed_data_set import (
    Pieces,
    changed,
    text_element,
    tops_with_fragments,
    unsigned_short_element,
)
from dicomhub.standard.element import UNDEFINED_LENGTH, DataSetMalformed
from dicomhub.standard.item import end_of_undefined
from dicomhub.standard.part10 import file_header
from dicomhub.standard.uid import derived_uid
from tasks.transcode.codecs.codec import Encoded, Octets
from tasks.transcode.frame_pipeline import Recipe, encoded_frames
from tasks.transcode.lossy_attributes import (
    IMAGE_TYPE,
    LOSSY_IMAGE_COMPRESSION,
    LOSSY_IMAGE_COMPRESSION_METHOD,
    LOSSY_IMAGE_COMPRESSION_RATIO,
    RATIO_PLACEHOLDER,
    as_derived,
    lossy_method,
    of_lossy_source,
    of_lossy_target,
    ratio_text,
)
from tasks.transcode.orders import SourceStamp
from tasks.transcode.pixel_description import PixelDescription
from tasks.transcode.pixel_element import EXTENDED_OFFSET_TABLE, EXTENDED_OFFSET_TABLE_LENGTHS, top_level
from tasks.transcode.pixel_writing import EncapsulatedPixelData, check_native_length, native_pixel_data
from tasks.transcode.source import Source
from tasks.transcode.stamp import RenditionStamp, private_information

_PHOTOMETRIC_INTERPRETATION: Final = 0x00280004
_PLANAR_CONFIGURATION: Final = 0x00280006
_LEFT_OUT: Final = (
    EXTENDED_OFFSET_TABLE,  # of the source's fragments
    EXTENDED_OFFSET_TABLE_LENGTHS,
    0xFFFAFFFA,  # Digital Signatures: of the source's bytes. PS3.3 C.12.1.1.3
    0xFFFCFFFC,  # Data Set Trailing Padding
)
_LOSSY_ATTRIBUTES: Final = frozenset(
    (
        IMAGE_TYPE,
        LOSSY_IMAGE_COMPRESSION,
        LOSSY_IMAGE_COMPRESSION_RATIO,
        LOSSY_IMAGE_COMPRESSION_METHOD,
    )
)
_BUFFER_BYTES: Final = 1024 * 1024


def write_rendition(
    source: Source,
    path: str | os.PathLike[str],
    recipe: Recipe,
    *,
    stamp: SourceStamp,
    digests: list[int],
) -> int:
    """Write the file at path, which exists, over; return its size in bytes. digests gets one a frame.

    Raises what frame_pipeline.encoded_frames raises, pixel_writing.RenditionTooLarge, and OSError.
    """
    if recipe.encoder.name == "native":
        check_native_length(source.pixels)
    frames = encoded_frames(source, recipe, digests)
    first = next(frames)
    with open(path, "r+b", buffering=_BUFFER_BYTES) as out:  # noqa: PTH123 - a path of an order is text
        out.truncate(0)
        _Rendition(source, out, recipe, first.pixels).write(chain((first,), frames), stamp)
        return out.seek(0, os.SEEK_END)


class _Rendition:
    def __init__(self, source: Source, out: BinaryIO, recipe: Recipe, pixels: PixelDescription) -> None:
        self._source = source
        self._out = out
        self._encoder = recipe.encoder
        self._fidelity = recipe.fidelity
        self._pixels = pixels
        self._ratio_at = 0

    def write(self, frames: Iterator[Encoded], stamp: SourceStamp) -> None:
        source = self._source
        head = source.data[: source.element.offset]
        changes = self._changes(head)
        sop_instance_uid = source.description.sop_instance_uid
        if self._encoder.method:
            sop_instance_uid = self._derived_uid(stamp)
            changes |= as_derived(
                source.description.sop_class_uid, source.description.sop_instance_uid, sop_instance_uid
            )
        self._out.write(
            file_header(
                sop_class_uid=source.description.sop_class_uid,
                sop_instance_uid=sop_instance_uid,
                transfer_syntax_uid=self._encoder.transfer_syntax_uid,
                private_information=private_information(
                    RenditionStamp(stamp, self._fidelity.near, self._fidelity.ratio)
                ),
            )
        )
        if self._encoder.name == "native":
            check_native_length(self._pixels)
            pieces = native_pixel_data(source.element.tag, self._pixels, frames)
            self._write(chain(changed(head, source.encoding, source.syntax, changes), pieces, self._tail()))
            return
        pixel_data = EncapsulatedPixelData(self._out, len(source.frames))
        pieces = pixel_data.pieces(frames)
        self._write(chain(changed(head, source.encoding, source.syntax, changes), pieces, self._tail()))
        pixel_data.fill_in_table()
        if self._ratio_at:
            self._out.seek(self._ratio_at)
            ratio = ratio_text(self._pixels.native_bytes, pixel_data.codestream_bytes)
            self._out.write(ratio.ljust(len(RATIO_PLACEHOLDER)).encode("ascii"))

    def _write(self, pieces: Iterable[Octets]) -> None:
        for piece in pieces:
            self._out.write(piece)

    def _derived_uid(self, stamp: SourceStamp) -> str:
        fidelity = self._fidelity
        return derived_uid(
            self._source.description.sop_instance_uid,
            stamp.digest,
            self._encoder.transfer_syntax_uid,
            f"{fidelity.near} {fidelity.ratio}",
        )

    def _changes(self, head: memoryview) -> dict[int, Pieces]:
        source, pixels = self._source, self._pixels
        changes: dict[int, Pieces] = dict.fromkeys(_LEFT_OUT, ())
        if source.syntax.is_encapsulated:
            # Icons, most of the time: no viewer of the rendition could read them.
            changes.update(dict.fromkeys(tops_with_fragments(head, source.encoding), ()))
        photometric = pixels.photometric_interpretation
        changes[_PHOTOMETRIC_INTERPRETATION] = [text_element(_PHOTOMETRIC_INTERPRETATION, "CS", photometric)]
        changes[_PLANAR_CONFIGURATION] = (
            [unsigned_short_element(_PLANAR_CONFIGURATION, pixels.planar_configuration)]
            if pixels.samples_per_pixel > 1
            else ()
        )
        return changes | self._lossy_changes(head)

    def _lossy_changes(self, head: memoryview) -> dict[int, Pieces]:
        source = self._source
        values, _ = top_level(head, source.encoding, _LOSSY_ATTRIBUTES)
        texts = {tag: value.decode("latin-1").strip("\0 ") for tag, value in values.items()}
        changes: dict[int, Pieces] = {}
        if method := lossy_method(source.syntax.uid):
            stored_bytes = sum(len(source.frames.read(index)) for index in range(len(source.frames)))
            ratio = ratio_text(source.pixels.native_bytes, stored_bytes)
            changes, texts = of_lossy_source(texts, method, ratio)
        if self._encoder.method:
            changes |= of_lossy_target(texts, self._encoder.method, RATIO_PLACEHOLDER)
            changes[LOSSY_IMAGE_COMPRESSION_RATIO] = self._noted(changes[LOSSY_IMAGE_COMPRESSION_RATIO])
        return changes

    def _noted(self, pieces: Pieces) -> Iterator[Octets]:
        """The ratio is known when the last frame is written: where it goes is kept until then."""
        for piece in pieces:
            self._ratio_at = self._out.tell() + bytes(piece).index(RATIO_PLACEHOLDER.encode("ascii"))
            yield piece

    def _tail(self) -> Iterator[Octets]:
        """What comes behind the pixel data; as much of it as is intact."""
        source, element = self._source, self._source.element
        end = element.start + element.length
        if element.length == UNDEFINED_LENGTH:
            try:
                end = end_of_undefined(source.data, element.start, source.encoding) + 8
            except DataSetMalformed:
                return iter(())
        tail = source.data[end:]
        changes: dict[int, Pieces] = dict.fromkeys(_LEFT_OUT, ())
        return changed(tail, source.encoding, source.syntax, changes, must_be_whole=False)
