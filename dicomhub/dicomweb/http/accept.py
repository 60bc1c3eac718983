"""The Accept header and the accept query parameter, parsed. RFC 9110 12.5.1, PS3.18 8.3.3.1.

What of the header is not valid is ignored (PS3.18 8.7.7): Java sends `text/html, *; q=.2, */*; q=.2` by
default. The parameter is refused as a whole. Both are as lenient as real clients need: parameter values may
hold a slash without quotes, as in `type=application/dicom`, and list elements may be empty.
"""

import re
from contextlib import suppress
from dataclasses import dataclass

_NAME = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_RANGE = re.compile(rf"\s*({_NAME})/({_NAME})\s*")
_PARAMETER = re.compile(
    rf""";\s*(?:(?P<name>{_NAME})\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^\s;,"]+))\s*)?"""
)
_QUALITY = re.compile(r"0(?:\.[0-9]*)?|\.[0-9]+|1(?:\.0*)?")
_ESCAPED = re.compile(r"\\(.)")
_ELEMENT = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*"?)+')


class AcceptMalformed(ValueError):
    """What a client said it accepts cannot be read; where says in which part of the request."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.where = where


@dataclass(frozen=True, slots=True)
class MediaRange:
    """One element of the list: names in lower case, parameters without q, in their order."""

    type: str
    subtype: str
    parameters: tuple[tuple[str, str], ...] = ()
    quality: float = 1.0

    def parameter(self, name: str) -> str | None:
        return next((value for known, value in self.parameters if known == name), None)

    @property
    def has_wildcard(self) -> bool:
        return "*" in {self.type, self.subtype}

    @property
    def name(self) -> str:
        return f"{self.type}/{self.subtype}"


ANYTHING = (MediaRange("*", "*"),)


def parse_accept_header(text: str) -> tuple[MediaRange, ...]:
    """Media ranges in the client's order, those that are not valid left out. No header accepts anything."""
    if not text.strip(", \t"):
        return ANYTHING
    ranges: list[MediaRange] = []
    for element in _ELEMENT.findall(text):
        with suppress(AcceptMalformed):
            ranges += parse_media_ranges(element, "Accept header")
    return tuple(ranges)


def parse_accept_parameter(text: str) -> tuple[MediaRange, ...]:
    """Of the query parameter, which may hold no wildcards, and has to be valid. Raises AcceptMalformed."""
    where = "accept parameter"
    # A plus sign that was not percent-encoded arrives as a space, and no media type has a space inside.
    ranges = parse_media_ranges(re.sub(r"(?<=[a-z]) (?=[a-z])", "+", text), where)
    if any(each.has_wildcard for each in ranges):
        raise AcceptMalformed(where, "wildcards are not allowed here")
    return ranges


def parse_content_type(text: str) -> MediaRange | None:
    """The media type of a body or of a part; None for what is none."""
    try:
        media_types = parse_media_ranges(text, "Content-Type")
    except AcceptMalformed:
        return None
    return media_types[0] if len(media_types) == 1 and not media_types[0].has_wildcard else None


def parse_media_ranges(text: str, where: str) -> tuple[MediaRange, ...]:
    """All of a list, or none of it. Raises AcceptMalformed."""
    ranges: list[MediaRange] = []
    offset = 0
    while offset < len(text):
        if text[offset] in ", \t":
            offset += 1
            continue
        media_range, offset = _media_range(text, offset, where)
        if offset < len(text) and text[offset] != ",":
            raise AcceptMalformed(where, f"unexpected {text[offset]!r} at character {offset + 1}")
        ranges.append(media_range)
    return tuple(ranges)


def _media_range(text: str, offset: int, where: str) -> tuple[MediaRange, int]:
    match = _RANGE.match(text, offset)
    if match is None or (match[1] == "*" and match[2] != "*"):
        raise AcceptMalformed(where, f"no media type at character {offset + 1}")
    parameters: list[tuple[str, str]] = []
    quality: float | None = None
    offset = match.end()
    while parameter := _PARAMETER.match(text, offset):
        offset = parameter.end()
        if parameter["name"] is None or quality is not None:
            continue  # "; ;" is allowed, and what follows the weight are extensions that nothing uses
        name, value = parameter["name"].lower(), _value(parameter)
        if name == "q":
            quality = _quality(value, where)
        else:
            parameters.append((name, value))
    return MediaRange(
        type=match[1].lower(),
        subtype=match[2].lower(),
        parameters=tuple(parameters),
        quality=1.0 if quality is None else quality,
    ), offset


def _value(parameter: re.Match[str]) -> str:
    quoted = parameter["quoted"]
    return _ESCAPED.sub(r"\1", quoted) if quoted is not None else parameter["plain"]


def _quality(text: str, where: str) -> float:
    if _QUALITY.fullmatch(text) is None:
        raise AcceptMalformed(where, f"q={text[:20]} is no weight from 0 to 1")
    return float(text)
