"""JSON values of one attribute as the bytes of its element. PS3.18 F.2.3 to F.2.5, PS3.5 6.2.

The other way round is json_value. What is no value of its VR is an error here: whoever sends it can mend it.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

_NAME_GROUPS: Final = ("Alphabetic", "Ideographic", "Phonetic")
_DECIMAL_MAX_LENGTH: Final = 16
_NOT_FINITE: Final = {"NaN", "Infinity", "-Infinity"}


class ValueMalformed(ValueError):
    """No value of the VR."""


Encoder = Callable[[Sequence[Any]], bytes]
"""From the Value array to the value field in little endian, not padded. Raises ValueMalformed."""


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise ValueMalformed("not a string")


def _several(one: Callable[[Any], str]) -> Encoder:
    def encode(values: Sequence[Any]) -> bytes:
        try:
            texts = ["" if value is None else one(value) for value in values]
        except OverflowError:
            raise ValueMalformed("a number that is infinite") from None
        if len(texts) > 1 and any("\\" in text for text in texts):
            raise ValueMalformed("one of several values holds a backslash")
        return _utf_8("\\".join(texts))

    return encode


def _single(values: Sequence[Any]) -> bytes:
    """LT, ST, UR and UT, in which a backslash is a character."""
    if len(values) != 1:
        raise ValueMalformed("more than one value")
    return b"" if values[0] is None else _utf_8(_text(values[0]))


def _utf_8(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueMalformed("text that is no Unicode") from None


def _person_name(value: Any) -> str:
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        raise ValueMalformed("not a person's name")
    groups = [_text(value.get(group) or "") for group in _NAME_GROUPS]
    if any("=" in group for group in groups):
        raise ValueMalformed("a component group of a name holds =")
    return "=".join(groups).rstrip("=")


def _integer(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise ValueMalformed("not an integer")
    return str(int(value))


def _decimal(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueMalformed("not a number")
    if value == int(value) and abs(value) < 10**15:
        return str(int(value))
    text = repr(float(value))
    digits = 17
    while len(text) > _DECIMAL_MAX_LENGTH:
        digits -= 1
        text = f"{value:.{digits}g}"
    return text


def _numbers(code: str, of: Callable[[Any], Any]) -> Encoder:
    def encode(values: Sequence[Any]) -> bytes:
        try:
            return struct.pack(f"<{len(values)}{code}", *map(of, values))
        except (struct.error, OverflowError, TypeError, ValueError) as error:
            raise ValueMalformed(str(error)) from None

    return encode


def _whole_number(value: Any) -> int:
    if isinstance(value, bool):
        raise ValueMalformed("not a number")
    if isinstance(value, float) and value != int(value):
        raise ValueMalformed("not an integer")
    return int(value)


def _floating(value: Any) -> float:
    if isinstance(value, bool) or (isinstance(value, str) and value not in _NOT_FINITE):
        raise ValueMalformed("not a number")
    return float(value)


def _tags(values: Sequence[Any]) -> bytes:
    try:
        numbers = [int(_text(value), 16) for value in values]
        return b"".join(struct.pack("<HH", number >> 16, number & 0xFFFF) for number in numbers)
    except (ValueError, struct.error):
        raise ValueMalformed("not a tag") from None


ENCODERS: Final[Mapping[str, Encoder]] = {
    **dict.fromkeys(("AE", "AS", "CS", "DA", "DT", "LO", "SH", "TM", "UC", "UI"), _several(_text)),
    **dict.fromkeys(("LT", "ST", "UR", "UT"), _single),
    "AT": _tags,
    "DS": _several(_decimal),
    "FD": _numbers("d", _floating),
    "FL": _numbers("f", _floating),
    "IS": _several(_integer),
    "PN": _several(_person_name),
    "SL": _numbers("i", _whole_number),
    "SS": _numbers("h", _whole_number),
    "SV": _numbers("q", _whole_number),
    "UL": _numbers("I", _whole_number),
    "US": _numbers("H", _whole_number),
    "UV": _numbers("Q", _whole_number),
}
"""By VR: for every one but SQ and those of bytes."""
