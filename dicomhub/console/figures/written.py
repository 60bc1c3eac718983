"""A figure's values, as people read them."""

from collections.abc import Callable, Mapping
from typing import Any

from dicomhub.archive.pages.text import NOTHING, size
from dicomhub.console.figures.figure import Column, Kind

_WRITERS: Mapping[Kind, Callable[[Any], str]] = {
    Kind.TEXT: lambda value: value.replace("\\", ", "),
    Kind.COUNT: "{:,}".format,
    Kind.BYTES: size,
    Kind.MILLISECONDS: "{:,.0f} ms".format,
    Kind.SECONDS: "{:,.1f} s".format,
    Kind.DAY: "{:%Y-%m-%d}".format,
    Kind.HOUR: "{:02}:00".format,
}


def written(column: Column, value: Any) -> str:
    """Nothing is a dash; lists of the standard's are written with commas."""
    return NOTHING if value is None or value == "" else _WRITERS[column.kind](value)
