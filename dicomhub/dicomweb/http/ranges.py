"""Range requests: which part of a representation is asked for. RFC 9110 13.1.5, 14.

One range is answered alone. A list of ranges that are not one together is answered with the whole, as the
RFC allows: what archives and viewers fetch again is the rest of something that broke off.
"""

import re
import time
from dataclasses import dataclass

from django.utils.http import parse_http_date_safe

from dicomhub.dicomweb.http.conditional import Validators

_BYTES = re.compile(r"bytes\s*=(.*)", re.IGNORECASE | re.DOTALL)
_ONE = re.compile(r"(?:(?P<first>[0-9]{1,18})-(?P<last>[0-9]{0,18})|-(?P<suffix>[0-9]{1,18}))", re.ASCII)
_MOST_RANGES = 100


class RangeNotSatisfiable(Exception):
    """No byte of a representation of this size is in the range that is asked for."""

    def __init__(self, size_bytes: int) -> None:
        super().__init__(f"there are only {size_bytes} bytes")
        self.size_bytes = size_bytes


@dataclass(frozen=True, slots=True, order=True)
class ByteRange:
    """From the first to the last byte, both included, counted from 0."""

    first: int
    last: int

    @property
    def length_bytes(self) -> int:
        return self.last - self.first + 1

    def content_range(self, size_bytes: int) -> str:
        return f"bytes {self.first}-{self.last}/{size_bytes}"


def wanted_range(
    range_header: str, if_range: str, *, size_bytes: int, validators: Validators | None
) -> ByteRange | None:
    """The range to answer with, None for the whole. Raises RangeNotSatisfiable.

    What is no range of bytes by the RFC's grammar asks for the whole, as it says.
    """
    if not range_header or (if_range and not _holds(if_range, validators)):
        return None
    ranges = _ranges(range_header, size_bytes)
    if ranges is None:
        return None
    if not ranges:
        raise RangeNotSatisfiable(size_bytes)
    whole = ByteRange(min(each.first for each in ranges), max(each.last for each in ranges))
    return whole if _is_without_gap(sorted(ranges)) else None


def _ranges(header: str, size_bytes: int) -> list[ByteRange] | None:
    """Those that have a byte of the representation; None when the header is not understood."""
    match = _BYTES.fullmatch(header.strip())
    specs = [spec.strip() for spec in match[1].split(",", _MOST_RANGES)] if match else []
    matches = [_ONE.fullmatch(spec) for spec in specs if spec]
    ranges = []
    for each in matches:
        if each is None or (each["last"] and int(each["last"]) < int(each["first"])):
            return None
        if each["suffix"] is not None:
            first, last = max(size_bytes - int(each["suffix"]), 0), size_bytes - 1
        else:
            first, last = int(each["first"]), min(int(each["last"] or size_bytes), size_bytes - 1)
        if first <= last:
            ranges.append(ByteRange(first, last))
    return ranges if matches else None


def _is_without_gap(ranges: list[ByteRange]) -> bool:
    end = ranges[0].last
    for each in ranges[1:]:
        if each.first > end + 1:
            return False
        end = max(end, each.last)
    return True


def _holds(if_range: str, validators: Validators | None) -> bool:
    """By strong comparison. A time is strong once no further change can have the same second."""
    if validators is None:
        return False
    if if_range.startswith(('"', "W/")):
        return if_range == validators.etag and not if_range.startswith("W/")
    modified = validators.modified_seconds
    return modified is not None and parse_http_date_safe(if_range) == modified < int(time.time())
