"""What there is to be shown of an instance: frames, a video, a document, or nothing. PS3.18 8.7.2, 8.7.4."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from dicomhub.dicomweb.retrieve.archived import ArchivedInstance
from dicomhub.dicomweb.retrieve.content import BLOCK_BYTES
from dicomhub.standard.data_set_level import Level
from dicomhub.standard.element import DataSetMalformed, encoding_of
from dicomhub.standard.inflate import inflated
from dicomhub.standard.item import end_of_undefined, fragments
from dicomhub.standard.part10 import Part10Malformed
from dicomhub.standard.transfer_syntax import TransferSyntax, TransferSyntaxUnknown, transfer_syntax
from tasks.transcode.pixel_description import (
    PixelDescription,
    PixelDescriptionMissing,
    describe,
    read_pixel_description,
)
from tasks.transcode.pixel_element import map_file

_ENCAPSULATED_DOCUMENT: Final = 0x00420011
_MIME_TYPE_OF_ENCAPSULATED_DOCUMENT: Final = 0x00420012
_ENCAPSULATED_DOCUMENT_LENGTH: Final = 0x00420015
# What encapsulated documents are by their SOP classes. Nothing that a browser would run for us. PS3.3 A.45.
_DOCUMENT_TYPES: Final = ("application/pdf", "text/xml", "model/stl", "model/obj", "model/mtl")
_VIDEO_MPEG, _VIDEO_MP4 = "video/mpeg", "video/mp4"
STORED_TYPES: Final = (*_DOCUMENT_TYPES, _VIDEO_MPEG, _VIDEO_MP4)
"""What can be sent as it is instead of a picture."""
_MPEG_2: Final = ("1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.4.101")
_FILE_TYPE_BOX: Final = b"ftyp"


class NoPicture(Exception):
    """There is nothing of this resource that can be shown; the reason says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames:
    pixels: PixelDescription


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Bytes in the file that are of a media type as they are: a document's, or a video's."""

    media_type: str
    pieces: tuple[memoryview, ...]

    @property
    def size_bytes(self) -> int:
        return sum(map(len, self.pieces))

    def chunks(self) -> Iterator[bytes]:
        for piece in self.pieces:
            for start in range(0, len(piece), BLOCK_BYTES):
                yield bytes(piece[start : start + BLOCK_BYTES])


def subject_of(instance: ArchivedInstance) -> Frames | Stored:
    """Raises NoPicture, FileNotFoundError. Nothing is decoded: whether frames can be, drawing them tells."""
    try:
        return _subject(instance)
    except (DataSetMalformed, Part10Malformed, PixelDescriptionMissing, TransferSyntaxUnknown) as error:
        raise NoPicture(f"it is damaged: {error}") from error


def _subject(instance: ArchivedInstance) -> Frames | Stored:
    pixels = read_pixel_description(instance.path).pixels
    syntax = transfer_syntax(instance.transfer_syntax_uid)
    if pixels is not None and not syntax.is_video:
        return Frames(pixels=pixels)
    _, stored = map_file(instance.path)
    data = inflated(stored, syntax)
    return _document(Level(data, encoding_of(data, syntax))) if pixels is None else _video(data, syntax)


def _video(data: memoryview, syntax: TransferSyntax) -> Stored:
    """The stream, which is one fragment or more. PS3.5 8.2.5 to 8.2.8."""
    encoding = encoding_of(data, syntax)
    _, element = describe(data, syntax)
    if element is None or not element.is_encapsulated:
        raise NoPicture("it is damaged: a video that is not encapsulated")
    end = end_of_undefined(data, element.start, encoding)
    _, *pieces = fragments(data, element.start, end, encoding)
    if syntax.uid.startswith(_MPEG_2):
        return Stored(media_type=_VIDEO_MPEG, pieces=tuple(pieces))
    if not pieces or bytes(pieces[0][4:8]) != _FILE_TYPE_BOX:
        raise NoPicture("its video is in no MP4 file, and videos are not encoded anew")
    return Stored(media_type=_VIDEO_MP4, pieces=tuple(pieces))


def _document(level: Level) -> Stored:
    """PS3.3 C.24.2."""
    media_type = level.text(_MIME_TYPE_OF_ENCAPSULATED_DOCUMENT).lower()
    document = level.value(_ENCAPSULATED_DOCUMENT)
    if not document:
        raise NoPicture("it has neither pixels nor a document")
    if media_type not in _DOCUMENT_TYPES:
        raise NoPicture(f"its document is of the media type {media_type[:64]!r}")
    said = int.from_bytes(level.value(_ENCAPSULATED_DOCUMENT_LENGTH)[:4], level.encoding.byte_order)
    # Without a length said, the padding stays: a byte of no meaning.
    length = said if len(document) - 1 <= said <= len(document) else len(document)
    return Stored(media_type=media_type, pieces=(document[:length],))
