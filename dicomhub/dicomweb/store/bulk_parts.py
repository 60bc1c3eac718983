"""Bulk data parts: spooled as they come, found by their Content-Location. PS3.18 10.5.2, 8.7.3.3."""

import mmap
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from dicomhub.dicomweb.http.accept import MediaRange
from dicomhub.intake.incoming_instance import out_of_resources
from dicomhub.standard.data_set_writer import BulkValue
from dicomhub.standard.dicom_json import Model
from dicomhub.standard.transfer_syntax import EXPLICIT_VR_LITTLE_ENDIAN, transfer_syntax
from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.storage.incoming import IncomingFile

# What each media type's octets are in, where no transfer-syntax parameter says it. PS3.18 table 8.7.3-5.
_DEFAULTS: Final = {
    "image/jpeg": "1.2.840.10008.1.2.4.70",
    "image/dicom-rle": "1.2.840.10008.1.2.5",
    "image/jls": "1.2.840.10008.1.2.4.80",
    "image/jp2": "1.2.840.10008.1.2.4.90",
    "image/jpx": "1.2.840.10008.1.2.4.92",
    "image/jphc": "1.2.840.10008.1.2.4.201",
    "image/jxl": "1.2.840.10008.1.2.4.110",
    "video/mpeg2": "1.2.840.10008.1.2.4.100",
    "video/mp4": "1.2.840.10008.1.2.4.102",
    "video/h265": "1.2.840.10008.1.2.4.107",
}
_FRAME = re.compile(r"(.*)/frames/([0-9]{1,9})", re.DOTALL)


class PixelsContradictory(ValueError):
    """The parts that hold an instance's pixels do not make up its Pixel Data."""


@dataclass(frozen=True, slots=True)
class _Part:
    frame: int | None
    is_video: bool
    stated_syntax: str | None
    start: int
    end: int


class BulkParts:
    """One spooled file for all of a request's, however many; it is gone when they are discarded."""

    def __init__(self, store: FilesystemStore) -> None:
        self._store = store
        self._spool: IncomingFile | None = None
        self._parts: dict[str, list[_Part]] = {}
        self._begun: tuple[str, MediaRange, int] | None = None
        self._pages: memoryview = memoryview(b"")

    def begin(self, location: str, media_type: MediaRange) -> None:
        """Raises OutOfResources."""
        if self._spool is None:
            try:
                self._spool = self._store.create_incoming()
            except OSError as error:
                raise out_of_resources(error) from error
        self._begun = location, media_type, self._spool.size_bytes

    def write(self, content: bytes | memoryview) -> None:
        """Raises OutOfResources."""
        assert self._spool is not None
        try:
            self._spool.write([content])
        except OSError as error:
            raise out_of_resources(error) from error

    def end(self) -> None:
        assert self._spool is not None
        assert self._begun is not None
        location, media_type, start = self._begun
        frame = _FRAME.fullmatch(location)
        part = _Part(
            frame=int(frame[2]) if frame else None,
            is_video=media_type.type == "video",
            stated_syntax=media_type.parameter("transfer-syntax") or _DEFAULTS.get(media_type.name),
            start=start,
            end=self._spool.size_bytes,
        )
        self._parts.setdefault(frame[1] if frame else location, []).append(part)

    def finish(self) -> None:
        """All have come, and can be found from now on."""
        if self._spool is not None and self._spool.size_bytes:
            self._pages = memoryview(mmap.mmap(self._spool.fileno(), 0, prot=mmap.PROT_READ))

    def discard(self) -> None:
        if self._spool is not None:
            self._spool.discard()

    def of_instance(self, model: Model) -> "InstanceBulkData":
        return InstanceBulkData(model, self._parts, self._pages)


class InstanceBulkData:
    """The parts that one instance's model names."""

    def __init__(self, model: Model, parts: Mapping[str, list[_Part]], pages: memoryview) -> None:
        self._parts = parts
        self._pages = pages
        self._stated_syntax = _first(model, "00020010")
        self._number_of_frames = str(_first(model, "00280008") or 1).strip()
        pixels = parts.get(str(_attribute(model, "7FE00010").get("BulkDataURI", "")))
        self.transfer_syntax_uid = EXPLICIT_VR_LITTLE_ENDIAN
        if pixels and (syntax := self._encapsulating(pixels[0])):
            self.transfer_syntax_uid = syntax

    def find(self, uri: str) -> BulkValue:
        """Raises KeyError, PixelsContradictory and TransferSyntaxUnknown."""
        parts = sorted(self._parts[uri], key=lambda part: part.frame or 0)
        pieces = [self._pages[part.start : part.end] for part in parts]
        syntaxes = {self._encapsulating(part) for part in parts}
        if syntaxes == {None}:
            return BulkValue(pieces)
        if len(syntaxes) > 1:
            raise PixelsContradictory("the parts of its frames are in several transfer syntaxes")
        if str(len(parts)) != self._number_of_frames and not parts[0].is_video:
            raise PixelsContradictory(f"{len(parts)} parts for {self._number_of_frames[:16]} frames")
        return BulkValue(pieces, is_encapsulated=True)

    def _encapsulating(self, part: _Part) -> str | None:
        """The transfer syntax that a part's octets have to be encapsulated in; None for native ones.

        Raises TransferSyntaxUnknown.
        """
        uid = part.stated_syntax or self._stated_syntax or EXPLICIT_VR_LITTLE_ENDIAN
        return uid if transfer_syntax(str(uid)).is_encapsulated else None


def _attribute(model: Model, tag: str) -> Mapping[str, Any]:
    attribute = model.get(tag)
    return attribute if isinstance(attribute, dict) else {}


def _first(model: Model, tag: str) -> Any:
    values = _attribute(model, tag).get("Value")
    return values[0] if isinstance(values, list) and values else None
