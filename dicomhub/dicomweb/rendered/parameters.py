"""What a request says of how a picture is to look. PS3.18 8.3.5.

Parameters that are not known here are ignored, as the standard wants it; a value that cannot be is refused.
"""

import re
from collections.abc import Sequence
from typing import Final, Protocol

from tasks.transcode.picture_order import Annotation, Look, Region, Viewport, Window, WindowFunction

MAX_SIDE: Final = 8192
_MAX_PIXELS: Final = 32 * 1024 * 1024
THUMBNAIL_SIDE: Final = 128
_DECIMAL: Final = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,2})?", re.ASCII)
_INTEGER: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
_DECIMAL_MAX_LENGTH: Final = 32
_PROFILES: Final = {"no": False, "yes": True}
_KEYWORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}", re.ASCII)


class RenderingParameterInvalid(ValueError):
    """A parameter that cannot be read, or that cannot be done."""

    def __init__(self, parameter: str, reason: str) -> None:
        super().__init__(f"{parameter}: {reason}")
        self.parameter = parameter
        self.reason = reason


class Query(Protocol):
    """What of a query string is needed."""

    def getlist(self, key: str) -> Sequence[str]: ...


def only_value(query: Query, name: str) -> str | None:
    """None where the parameter is absent. Raises RenderingParameterInvalid where it is there twice."""
    values = query.getlist(name)
    if len(values) > 1:
        raise RenderingParameterInvalid(name, "it may be given once")
    return values[0] if values else None


def look(query: Query) -> Look:
    """For rendered resources; the media type is chosen elsewhere. Raises RenderingParameterInvalid."""
    return Look(
        window=_window(only_value(query, "window")),
        viewport=_viewport(only_value(query, "viewport")),
        quality=quality("quality", only_value(query, "quality")),
        annotations=annotations(query),
        with_icc_profile=_with_icc_profile(only_value(query, "iccprofile")),
    )


def thumbnail_look(query: Query) -> Look:
    """For thumbnails: their viewport alone, without a region. Raises RenderingParameterInvalid."""
    text = only_value(query, "viewport")
    if text is None:
        return Look(viewport=Viewport(columns=THUMBNAIL_SIDE, rows=THUMBNAIL_SIDE))
    viewport = _viewport(text)
    if viewport != Viewport(columns=viewport.columns, rows=viewport.rows):
        raise RenderingParameterInvalid("viewport", "that of a thumbnail is a width and a height")
    return Look(viewport=viewport)


def annotations(query: Query) -> tuple[Annotation, ...]:
    """Those that are supported. Raises RenderingParameterInvalid. PS3.18 8.3.5.1.1."""
    return tuple(Annotation(word) for word in _annotation_keywords(query) if word in tuple(Annotation))


def unsupported_annotations(query: Query) -> tuple[str, ...]:
    """Keywords that are ignored, and to be warned of. Raises RenderingParameterInvalid."""
    return tuple(word for word in _annotation_keywords(query) if word not in tuple(Annotation))


def _annotation_keywords(query: Query) -> tuple[str, ...]:
    text = only_value(query, "annotation")
    words = () if text is None else tuple(dict.fromkeys(word.strip() for word in text.split(",")))
    if not all(map(_KEYWORD.fullmatch, words)):
        raise RenderingParameterInvalid("annotation", "it is a list of keywords, with commas between them")
    return words


def integer(name: str, text: str, *, least: int, most: int) -> int:
    """Raises RenderingParameterInvalid."""
    if _INTEGER.fullmatch(text) is None or not least <= int(text) <= most:
        raise RenderingParameterInvalid(name, f"{text[:40]!r} is no whole number from {least} to {most}")
    return int(text)


def decimal(name: str, text: str) -> float:
    """Raises RenderingParameterInvalid."""
    if len(text) > _DECIMAL_MAX_LENGTH or _DECIMAL.fullmatch(text) is None:
        raise RenderingParameterInvalid(name, f"{text[:40]!r} is no number")
    return float(text)


def quality(name: str, text: str | None) -> int:
    return Look().quality if text is None else integer(name, text, least=1, most=100)


def window(name: str, center: str, width: str, function: WindowFunction = WindowFunction.LINEAR) -> Window:
    """Raises RenderingParameterInvalid. PS3.3 C.11.2.1.2, C.11.2.1.3."""
    window = Window(center=decimal(name, center), width=decimal(name, width), function=function)
    if window.width <= 0 or (function is WindowFunction.LINEAR and window.width < 1):
        raise RenderingParameterInvalid(name, "the width is at least 1, or above 0 for another function")
    return window


def _window(text: str | None) -> Window | None:
    if text is None:
        return None
    center, width, name = text.split(",") if text.count(",") == 2 else ("", "", "")
    functions = {function.lower().replace("_", "-"): function for function in WindowFunction}
    function = functions.get(name.strip().lower().replace("_", "-"))
    if function is None:
        raise RenderingParameterInvalid("window", f"it is center,width,function of {', '.join(functions)}")
    return window("window", center.strip(), width.strip(), function)


def _viewport(text: str | None) -> Viewport:
    """Of the numbers of the region only absolute values count, but for flips. PS3.18 8.3.5.1.3."""
    if text is None:
        return Viewport()
    parts = [part.strip() for part in text.split(",")]
    if not 2 <= len(parts) <= 6:
        raise RenderingParameterInvalid("viewport", "it is vw,vh or vw,vh,sx,sy,sw,sh")
    columns, rows = (integer("viewport", part, least=1, most=MAX_SIDE) for part in parts[:2])
    if columns * rows > _MAX_PIXELS:
        raise RenderingParameterInvalid("viewport", f"it has more than {_MAX_PIXELS} pixels")
    numbers = [decimal("viewport", part) if part else None for part in parts[2:]]
    left, top, width, height = (*numbers, None, None, None, None)[:4]
    if 0 in (width, height):
        raise RenderingParameterInvalid("viewport", "sw and sh are not 0")
    return Viewport(
        columns=columns,
        rows=rows,
        region=Region(
            left=abs(left or 0.0),
            top=abs(top or 0.0),
            width=None if width is None else abs(width),
            height=None if height is None else abs(height),
        )
        if any(number is not None for number in numbers)
        else None,
        is_flipped_horizontally=width is not None and width < 0,
        is_flipped_vertically=height is not None and height < 0,
    )


def _with_icc_profile(text: str | None) -> bool:
    if text is None:
        return False
    if text not in _PROFILES:
        raise RenderingParameterInvalid("iccprofile", f"{text[:40]!r} cannot be had; no or yes can")
    return _PROFILES[text]
