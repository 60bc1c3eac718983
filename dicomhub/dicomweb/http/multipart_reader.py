"""multipart bodies, read as they arrive. RFC 2046 5.1, RFC 2387, PS3.18 8.6.1.2.

No socket is known here: a caller feeds blocks of any size and takes events out. Content is never copied;
what may be the beginning of a delimiter waits for the next block. Libraries that stream multipart bodies read
forms only: they know no preamble, or ask each part for a Content-Disposition.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

HEAD_MAX_BYTES: Final = 16 * 1024
PREAMBLE_MAX_BYTES: Final = 64 * 1024
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]", re.ASCII)
# What may stand behind a boundary before its line ends: padding that a gateway has added.
_REST_OF_LINE = re.compile(rb"[ \t]{0,64}(\r?\n)")
_MAY_BE_REST = re.compile(rb"-?|[ \t]{0,64}\r?")
_FIELD = re.compile(r"([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*:[ \t]*(.*?)[ \t]*")


class MultipartMalformed(ValueError):
    """The body is no multipart body with this boundary."""


@dataclass(frozen=True, slots=True)
class PartBegins:
    """fields are the part's header fields, their names in lower case."""

    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PartEnds:
    pass


Event = PartBegins | memoryview | PartEnds
"""A memoryview is a stretch of the content of the part that began last."""


class _State(Enum):
    PREAMBLE = auto()
    HEAD = auto()
    CONTENT = auto()
    EPILOGUE = auto()


class MultipartReader:
    """Raises MultipartMalformed for a boundary that is none.

    Lines end as the first delimiter's does: CR LF, or LF alone from senders that do not know better.
    """

    def __init__(self, boundary: str) -> None:
        if _BOUNDARY.fullmatch(boundary) is None:
            raise MultipartMalformed("the boundary is missing, or is none")
        self._dashed = b"--" + boundary.encode("ascii")
        self._line_end = b""
        self._delimiter = b""
        self._state = _State.PREAMBLE
        self._waiting = b"\n"  # as if a line had just ended: a body may begin with its first delimiter

    def feed(self, block: bytes) -> Iterator[Event]:
        """Take a block in; the events that it completes. Raises MultipartMalformed on the way."""
        data = self._waiting + block if self._waiting else block
        offset: int | None = 0
        while offset is not None:
            self._waiting = b""
            match self._state:
                case _State.PREAMBLE:
                    offset = self._preamble(data)
                case _State.HEAD:
                    head_end = self._head_end(data, offset)
                    if head_end is None:
                        break
                    yield PartBegins(_fields(data[offset:head_end]))
                    offset = head_end
                    self._state = _State.CONTENT
                case _State.CONTENT:
                    content_end, next_offset = self._content_end(data, offset)
                    if content_end > offset:
                        yield memoryview(data)[offset:content_end]
                    offset = next_offset
                    if offset is not None:
                        yield PartEnds()
                case _State.EPILOGUE:
                    break

    def close(self) -> None:
        """The body has ended. Raises MultipartMalformed when its last delimiter has not come."""
        if self._state is not _State.EPILOGUE:
            raise MultipartMalformed("the body ends before its last delimiter")

    def _preamble(self, data: bytes) -> int | None:
        """Where the first part's head begins."""
        start = 0
        while (found := data.find(b"\n" + self._dashed, start)) >= 0:
            after = found + 1 + len(self._dashed)
            rest = _REST_OF_LINE.match(data, after)
            if rest is not None:
                self._line_end = rest[1]
                self._delimiter = self._line_end + self._dashed
                self._state = _State.HEAD
                # The line's end is the first part's too, when it has no header fields.
                return rest.end()
            if data.startswith(b"--", after):
                raise MultipartMalformed("there is no part in the body")
            if _MAY_BE_REST.fullmatch(data, after):
                break
            start = found + 1
        if len(data) > PREAMBLE_MAX_BYTES:
            raise MultipartMalformed("the body does not begin with its boundary")
        self._waiting = data
        return None

    def _head_end(self, data: bytes, start: int) -> int | None:
        """Where the content begins; None when that is not there yet."""
        if data.startswith(self._line_end, start):
            return start + len(self._line_end)
        end = data.find(self._line_end * 2, start, start + HEAD_MAX_BYTES)
        if end >= 0:
            return end + 2 * len(self._line_end)
        if len(data) - start >= HEAD_MAX_BYTES:
            raise MultipartMalformed(f"the header of a part is longer than {HEAD_MAX_BYTES} bytes")
        self._waiting = data[start:]
        return None

    def _content_end(self, data: bytes, start: int) -> tuple[int, int | None]:
        """Where the content that is known to be content ends, and where the next part's head begins."""
        delimiter, search = self._delimiter, start
        while (found := data.find(delimiter, search)) >= 0:
            after = found + len(delimiter)
            if data.startswith(b"--", after):
                self._state = _State.EPILOGUE
                return found, after
            rest = _REST_OF_LINE.match(data, after)
            if rest is not None:
                self._state = _State.HEAD
                return found, rest.end()
            if _MAY_BE_REST.fullmatch(data, after):
                self._waiting = data[found:]
                return found, None
            search = found + 1  # a longer line, that is content
        tail = data.rfind(delimiter[:1], max(start, search, len(data) - len(delimiter) + 1))
        while tail >= 0 and not delimiter.startswith(data[tail:]):
            tail = data.rfind(delimiter[:1], max(start, len(data) - len(delimiter) + 1), tail)
        if tail < 0:
            return len(data), None
        self._waiting = data[tail:]
        return tail, None


def _fields(head: bytes) -> dict[str, str]:
    """Header fields by their names; folded lines are joined. Raises MultipartMalformed."""
    text = re.sub(r"\r?\n[ \t]+", " ", head.decode("latin-1"))
    fields: dict[str, str] = {}
    for line in text.splitlines():
        if not line:
            continue
        match = _FIELD.fullmatch(line)
        if match is None:
            raise MultipartMalformed("the header of a part holds a line that is no field")
        fields.setdefault(match[1].lower(), match[2])
    return fields
