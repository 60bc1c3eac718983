"""One readable log of many processes: each line behind the name of the process that wrote it."""

import contextlib
import io
import itertools
from collections.abc import Iterable
from typing import Literal, TextIO

COLOURS = ("36", "33", "32", "35", "34", "31")  # ANSI foregrounds, a process each, in this order
RESET = "\x1b[0m"
Style = Literal["colour", "plain", "bare"]


def style_for(stream: TextIO, *, log_format: str, environ: Iterable[str]) -> Style:
    """Bare for JSON, whose lines name their process already; colour on a terminal (https://no-color.org)."""
    if log_format == "json":
        return "bare"
    return "colour" if stream.isatty() and "NO_COLOR" not in environ else "plain"


class Output:
    """Writes whole lines, so that two processes never share one."""

    def __init__(self, stream: TextIO, names: Iterable[str], *, style: Style) -> None:
        self._stream = stream
        names = tuple(names)
        width = max(map(len, names))
        self._prefixes = {
            name: _prefix(name.ljust(width), colour, style)
            for name, colour in zip(names, itertools.cycle(COLOURS), strict=False)
        }

    def line(self, name: str, text: str) -> None:
        # Whoever read the log may be gone (`make run | head`): the archive goes on without.
        with contextlib.suppress(BrokenPipeError):
            self._stream.write(f"{self._prefixes[name]}{text}\n")
            self._stream.flush()


def _prefix(name: str, colour: str, style: Style) -> str:
    match style:
        case "colour":
            return f"\x1b[{colour}m{name} |{RESET} "
        case "plain":
            return f"{name} | "
        case "bare":
            return ""


class LineStream(io.TextIOBase):
    """A text stream for a logging handler, whose lines go to an Output under one name."""

    def __init__(self, output: Output, name: str) -> None:
        self._output = output
        self._name = name
        self._rest = ""

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._output.line(self._name, line)
        return len(text)


class LineSplitter:
    """Cuts what a process writes into lines, empty ones left out. One without an end is cut at most_bytes."""

    def __init__(self, most_bytes: int = 65536) -> None:
        self._most_bytes = most_bytes
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > self._most_bytes:
            lines.append(self._rest)
            self._rest = b""
        return [_text(line) for line in lines if line.strip()]

    def end(self) -> list[str]:
        rest, self._rest = self._rest, b""
        return [_text(rest)] if rest else []


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip("\r")
