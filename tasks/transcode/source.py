"""An archived instance opened for its frames: mapped into memory, so that its size costs nothing."""

import os
from dataclasses import dataclass, replace

from dicomhub.standard.element import Encoding, encoding_of
from dicomhub.standard.inflate import inflated
from dicomhub.standard.part10 import FileMeta
from dicomhub.standard.transfer_syntax import TransferSyntax, transfer_syntax
from tasks.transcode.frames import FrameReader, frame_reader
from tasks.transcode.known import FileKey
from tasks.transcode.pixel_description import (
    PixelDescription,
    PixelDescriptionMissing,
    SourceDescription,
    known_description,
)
from tasks.transcode.pixel_element import PixelElement, map_file


@dataclass(frozen=True, slots=True)
class Source:
    """data is the data set, inflated where it is deflated; frames are as they are stored, numbered from 0.

    A video is one frame, whatever Number of Frames counts.
    """

    key: FileKey
    meta: FileMeta
    data: memoryview
    syntax: TransferSyntax
    encoding: Encoding
    description: SourceDescription
    pixels: PixelDescription
    element: PixelElement
    frames: FrameReader


def open_source(path: str | os.PathLike[str]) -> Source:
    """Raises what pixel_description.read_pixel_description raises, and fragments.FramesUnreadable.

    PixelDescriptionMissing also for an instance without pixels.
    """
    meta, stored, version = map_file(path)
    syntax = transfer_syntax(meta.transfer_syntax_uid)
    data = inflated(stored, syntax)
    key = str(path), version
    description, element = known_description(key, data, syntax)
    if element is None or description.pixels is None:
        raise PixelDescriptionMissing("there is no Pixel Data")
    said = replace(description.pixels, number_of_frames=1) if syntax.is_video else description.pixels
    encoding = encoding_of(data, syntax)
    frames = frame_reader(key, data, element, said, syntax, encoding)
    pixels = _as_it_lies(said, element)
    return Source(key, meta, data, syntax, encoding, description, pixels, element, frames)


def _as_it_lies(pixels: PixelDescription, element: PixelElement) -> PixelDescription:
    """Native pixels said to be YBR_FULL_422 and not subsampled, as some writers leave them, are YBR_FULL."""
    full = replace(pixels, photometric_interpretation="YBR_FULL")
    is_mislabelled = (
        not element.is_encapsulated
        and pixels.photometric_interpretation == "YBR_FULL_422"
        and element.length >= full.native_bytes
    )
    return full if is_mislabelled else pixels
