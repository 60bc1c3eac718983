"""Where the parts of a body go, and how a body gets there."""

from collections.abc import Iterator, Mapping
from typing import Protocol

from dicomhub.dicomweb.http.multipart_reader import MultipartReader, PartBegins, PartEnds


class PartSink(Protocol):
    """Takes one part after the other: begin, write as often as there is something, end."""

    def begin(self, fields: Mapping[str, str]) -> None:
        """Fields are the part's header fields, their names in lower case."""

    def write(self, content: bytes | memoryview) -> None: ...

    def end(self) -> None: ...

    def finish(self) -> None:
        """All parts have come."""

    def discard(self) -> None:
        """Forget the part that has not ended, and wait for those that have. May be called at any time."""


def receive_parts(blocks: Iterator[bytes], boundary: str, sink: PartSink) -> None:
    """Raises MultipartMalformed, and what blocks and sink raise."""
    reader = MultipartReader(boundary)
    for block in blocks:
        for event in reader.feed(block):
            match event:
                case PartBegins(fields):
                    sink.begin(fields)
                case PartEnds():
                    sink.end()
                case _:
                    sink.write(event)
    reader.close()
    sink.finish()


def receive_single(blocks: Iterator[bytes], sink: PartSink) -> None:
    """A body that is one part by itself. Raises what blocks and sink raise."""
    sink.begin({})
    for block in blocks:
        sink.write(block)
    sink.end()
    sink.finish()
