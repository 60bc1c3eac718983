"""Accept-Charset and the charset query parameter, for text: there is nothing but UTF-8. PS3.18 8.3.3.2.

A client that names other character sets only is given UTF-8 all the same, as the RFC allows (9110 12.5.2):
JSON has no other. One that says that it must not be UTF-8 is refused.
"""

import re

_NAME = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_ONE = re.compile(rf"\s*({_NAME})\s*(?:;\s*q\s*=\s*([01](?:\.[0-9]{{0,3}})?)\s*)?", re.IGNORECASE)
_UTF_8 = ("utf-8", "utf8", "*")


class CharsetNotAcceptable(Exception):
    """The client forbids UTF-8; where says in which part of the request."""

    def __init__(self, where: str) -> None:
        super().__init__("text can be had in utf-8 only")
        self.where = where


def check_charset(*, parameter: str, header: str) -> None:
    """What the parameter says of UTF-8 goes before the header. Raises CharsetNotAcceptable."""
    for where, text in (("charset parameter", parameter), ("Accept-Charset", header)):
        weight = _weight_of_utf_8(text)
        if weight == 0:
            raise CharsetNotAcceptable(where)
        if weight is not None:
            return


def _weight_of_utf_8(text: str) -> float | None:
    matches = filter(None, map(_ONE.fullmatch, text.split(",")))
    weights = {match[1].lower(): float(match[2] or 1) for match in matches}
    return next((weights[name] for name in _UTF_8 if name in weights), None)
