"""The values of one element as JSON values. PS3.18 F.2.3 to F.2.5.

A broken value is never an error here: what is no number stays a string. Only bytes that cannot be divided
into values are (ValueUnreadable), and these a caller can still show as they are.
"""

import re
import struct
from collections.abc import Callable, Mapping
from decimal import Decimal
from math import isfinite, isnan
from typing import Any, Final

from dicomhub.standard.character_set import CharacterSet

_PADDING: Final = " \0"
_WHITE: Final = " \0\t\r\n\f\v"
# JSON numbers are doubles to most readers: 15 digits always survive, as do integers up to 2 ** 53.
_EXACT_DECIMAL: Final = re.compile(r"[-+ .0-9]{1,15}", re.ASCII)
_INTEGER: Final = re.compile(r"[-+]?[0-9]+", re.ASCII)
_MAX_EXACT_INTEGER: Final = 2**53 - 1
_NAME_GROUPS: Final = ("Alphabetic", "Ideographic", "Phonetic")


class ValueUnreadable(ValueError):
    """The length is no multiple of what one value takes."""


Converter = Callable[[bytes, CharacterSet, str], list[Any]]
"""The Value array of a non-empty value, [] when it is nothing but padding: from the bytes, the character set
and the byte order as struct spells it. Raises ValueUnreadable."""


def _split(text: str) -> list[Any]:
    if not text:
        return []
    if "\\" not in text:
        return [text]
    return [part or None for part in text.split("\\")]


def _default_repertoire(value: bytes, _text: CharacterSet, _order: str) -> list[Any]:
    return _split(value.decode("latin-1").rstrip(_PADDING))


def _trimmed(value: bytes, _text: CharacterSet, _order: str) -> list[Any]:
    """AE and UI, in which spaces on either side mean nothing."""
    text = value.decode("latin-1").strip(_WHITE)
    if "\\" not in text:
        return [text] if text else []
    return [part.strip(_WHITE) or None for part in text.split("\\")]


def _uri(value: bytes, _text: CharacterSet, _order: str) -> list[Any]:
    text = value.decode("latin-1").rstrip(_WHITE)
    return [text] if text else []


def _extended_repertoire(value: bytes, text: CharacterSet, _order: str) -> list[Any]:
    decoded = text.decode(value).rstrip(_PADDING)
    if "\\" not in decoded:
        return [decoded] if decoded else []
    return [part.rstrip(_PADDING) or None for part in decoded.split("\\")]


def _whole_text(value: bytes, text: CharacterSet, _order: str) -> list[Any]:
    """LT, ST and UT, in which a backslash is a character."""
    decoded = text.decode(value).rstrip(_PADDING)
    return [decoded] if decoded else []


def _person_names(value: bytes, text: CharacterSet, _order: str) -> list[Any]:
    decoded = text.decode_person_name(value.rstrip(b"\0 "))
    names = [_person_name(part) for part in decoded.split("\\")]
    return [] if names == [None] else names


def _person_name(text: str) -> dict[str, str] | None:
    groups = zip(_NAME_GROUPS, text.split("="), strict=False)
    return {name: group for name, group in groups if group} or None


def _decimals(value: bytes, _text: CharacterSet, _order: str) -> list[Any]:
    text = value.decode("latin-1").strip(_WHITE)
    return [_decimal(part) for part in text.split("\\")] if text else []


def _decimal(text: str) -> float | str | None:
    try:
        number = float(text)
    except ValueError:
        return text.strip(_WHITE) or None
    if _EXACT_DECIMAL.fullmatch(text):
        return number
    text = text.strip(_WHITE)
    # Python reads 1_000 as a number, DICOM does not.
    is_exact = "_" not in text and isfinite(number) and _is_exactly(text, number)
    return number if is_exact else text


def _is_exactly(text: str, number: float) -> bool:
    try:
        return Decimal(text) == Decimal(repr(number))
    except ArithmeticError:  # an exponent that no Decimal takes
        return False


def _integers(value: bytes, _text: CharacterSet, _order: str) -> list[Any]:
    text = value.decode("latin-1").strip(_WHITE)
    return [_integer(part.strip(_WHITE)) for part in text.split("\\")] if text else []


def _integer(text: str) -> int | str | None:
    if _INTEGER.fullmatch(text):
        return _exact_integer(text)
    number = _decimal(text)
    # Some writers give an IS a fraction; one of zeros says nothing.
    is_whole = isinstance(number, float) and number.is_integer() and abs(number) <= _MAX_EXACT_INTEGER
    return int(number) if is_whole and isinstance(number, float) else text or None


def _exact_integer(text: str) -> int | str:
    if len(text) > 17:
        return text
    number = int(text)
    return number if abs(number) <= _MAX_EXACT_INTEGER else text


def _numbers(code: str, of: Callable[[Any], Any] | None = None) -> Converter:
    """A converter of values that struct calls code; of makes a JSON value of each, where it is not one."""
    size_bytes = struct.calcsize(f"={code}")
    one = {order: struct.Struct(order + code).unpack for order in "<>"}

    def convert(value: bytes, _text: CharacterSet, order: str) -> list[Any]:
        count, rest = divmod(len(value), size_bytes)
        if rest:
            raise ValueUnreadable(f"{len(value)} bytes for values of {size_bytes}")
        numbers = one[order](value) if count == 1 else struct.unpack(f"{order}{count}{code}", value)
        return list(numbers) if of is None else [of(number) for number in numbers]

    return convert


def _long_integer(number: int) -> int | str:
    return number if abs(number) <= _MAX_EXACT_INTEGER else str(number)


def _float(number: float) -> float | str:
    """JSON has neither NaN nor infinity; these are their names where strings stand for them."""
    if isfinite(number):
        return number
    if isnan(number):
        return "NaN"
    return "Infinity" if number > 0 else "-Infinity"


def _tags(value: bytes, _text: CharacterSet, order: str) -> list[Any]:
    if len(value) % 4:
        raise ValueUnreadable(f"{len(value)} bytes for values of 4")
    numbers = struct.unpack(f"{order}{len(value) // 2}H", value)
    return [f"{group:04X}{element:04X}" for group, element in zip(numbers[::2], numbers[1::2], strict=True)]


CONVERTERS: Final[Mapping[str, Converter]] = {
    **dict.fromkeys(("AS", "CS", "DA", "DT", "TM"), _default_repertoire),
    **dict.fromkeys(("AE", "UI"), _trimmed),
    **dict.fromkeys(("LO", "SH", "UC"), _extended_repertoire),
    **dict.fromkeys(("LT", "ST", "UT"), _whole_text),
    "AT": _tags,
    "DS": _decimals,
    "FD": _numbers("d", _float),
    "FL": _numbers("f", _float),
    "IS": _integers,
    "PN": _person_names,
    "SL": _numbers("i"),
    "SS": _numbers("h"),
    "SV": _numbers("q", _long_integer),
    "UL": _numbers("I"),
    "UR": _uri,
    "US": _numbers("H"),
    "UV": _numbers("Q", _long_integer),
}
"""By VR: for every one but SQ and those of bytes (OB, OW, UN, ...)."""
