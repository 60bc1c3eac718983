"""What the text of a header must hold for a condition to be true: looking for it costs less than parsing.

The text is the DICOM JSON Model as the archive writes it, without white space: "00180060":{"vr":"DS","Value":
[120.0]}. The pattern (of RE2) finds every header that fulfils the condition, and some that do not.
"""

import re
from collections.abc import Iterable
from itertools import takewhile

import orjson

from tasks.warehouse.header_match import HeaderMatch, MatchKind

_INSIDE_A_STRING = r'(?:[^"\\]|\\.)*'
_ANY_VALUES = rf'(?:[^"\]]|"{_INSIDE_A_STRING}")*?'
# Wildcards, and what JSON writes in a way of its own.
_NOT_LITERAL = re.compile(r'[*?"\\\x00-\x1f\x7f]+')


def text_pattern(match: HeaderMatch) -> str:
    values = rf'"{match.path[-1]}":\{{"vr":"..","Value":\['
    match match.kind:
        case MatchKind.NUMBER:
            return values + rf"(?:[^\]]*,)?(?:{_any_of(_written(float(each)) for each in match.values)}|\")"
        case MatchKind.EQUAL | MatchKind.WILDCARD:
            return values + _holding(map(_longest_literal, map(str, match.values)))
        case MatchKind.RANGE:
            return values + _beginning(*match.bounds)
        case MatchKind.NAME | MatchKind.EMPTY:
            return values


def _any_of(patterns: Iterable[str]) -> str:
    return "|".join(dict.fromkeys(patterns))


def _written(value: float) -> str:
    """A number as JSON has it, of IS or of DS; a text that may be a number is found by its quotation mark."""
    texts = [orjson.dumps(value).decode()]
    if value.is_integer():
        texts.append(str(int(value)))
    return _any_of(map(re.escape, texts))


def _holding(literals: Iterable[str]) -> str:
    return rf'{_ANY_VALUES}"{_INSIDE_A_STRING}(?:{_any_of(map(re.escape, literals))})'


def _longest_literal(wildcard: str) -> str:
    return max(_NOT_LITERAL.split(wildcard), key=len)


def _beginning(earliest: str, latest: str) -> str:
    """Digits that both ends begin with; zeros may be left out of a time, and dots or colons be between."""
    same = takewhile(lambda ends: ends[0] == ends[1], zip(earliest, latest, strict=False))
    digits = "".join(digit for digit, _ in same).rstrip("0")
    return rf'{_ANY_VALUES}" *' + "[.:]?".join(digits)
