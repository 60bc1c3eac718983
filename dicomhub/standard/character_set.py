"""Specific Character Set (0008,0005), and text decoded by it. PS3.5 6.1, PS3.3 C.12.1.1.2.

The tables are pydicom's. Its decoding is not used: it warns through the warnings module, once a value, about
what a receiver can do nothing about.
"""

import codecs
import re
from dataclasses import dataclass
from functools import lru_cache

from pydicom.charset import (
    CODES_TO_ENCODINGS,
    STAND_ALONE_ENCODINGS,
    default_encoding,
    handled_encodings,
    python_encoding,
)

_ESCAPE = b"\x1b"
_FRAGMENTS = re.compile(rb"^[^\x1b]+|\x1b[^\x1b]*")
# After these the character set is the first one again. PS3.5 6.1.2.5.3.
_TEXT_DELIMITER = re.compile(rb"[\n\r\t\f]")
_PERSON_NAME_DELIMITER = re.compile(rb"[\n\r\t\f\^=\\]")
_TWO_BYTE_SETS = (b"\x1b$(", b"\x1b$)")
# Names that are Python's and not DICOM's, yet seen in the wild. Python has codecs that must not decode text.
_FOREIGN = re.compile(r"utf-8|ascii|iso8859-\d+|cp\d+|shift_jis|euc_\w+|gb\w+|big5|koi8-\w")
_MISSPELT_SINGLE = re.compile(r"ISO[^_]IR")
_MISSPELT_EXTENDED = re.compile(r"ISO.2022.IR.")


@dataclass(frozen=True, slots=True)
class CharacterSet:
    """The Python codecs to decode with: the first one, and those that escape sequences switch to."""

    codecs: tuple[str, ...]

    def decode(self, value: bytes) -> str:
        """Decode a text value, replacing what cannot be decoded. Padding and backslashes stay."""
        if value.isascii() and _ESCAPE not in value:
            return value.decode("ascii")
        return self._decode(value, _TEXT_DELIMITER)

    def decode_person_name(self, value: bytes) -> str:
        """Likewise, for a PN, in which ^, = and the backslash reset the character set too."""
        if value.isascii() and _ESCAPE not in value:
            return value.decode("ascii")
        return self._decode(value, _PERSON_NAME_DELIMITER)

    def _decode(self, value: bytes, delimiter: re.Pattern[bytes]) -> str:
        if _ESCAPE not in value:
            return value.decode(self.codecs[0], "replace")
        return "".join(self._decode_fragment(fragment, delimiter) for fragment in _FRAGMENTS.findall(value))

    def _decode_fragment(self, fragment: bytes, delimiter: re.Pattern[bytes]) -> str:
        first = self.codecs[0]
        if not fragment.startswith(_ESCAPE):
            return fragment.decode(first, "replace")
        length = 4 if fragment.startswith(_TWO_BYTE_SETS) else 3
        codec = CODES_TO_ENCODINGS.get(fragment[:length])
        if codec is None or (codec not in self.codecs and codec != default_encoding):
            return fragment.decode(first, "replace")
        try:
            if codec in handled_encodings:
                # Python's codec reads the escape sequence itself.
                return fragment.decode(codec)
            text = fragment[length:]
            reset = delimiter.search(text)
            if reset is None:
                return text.decode(codec)
            return text[: reset.start()].decode(codec) + text[reset.start() :].decode(first)
        except UnicodeError:
            return fragment.decode(first, "replace")


def _codec(name: str) -> str:
    """Python's codec for a defined term, misspellings that are seen in the wild included."""
    if name in python_encoding:
        return python_encoding[name]
    if _MISSPELT_SINGLE.match(name):
        return python_encoding.get("ISO_IR" + name[6:], default_encoding)
    if _MISSPELT_EXTENDED.match(name):
        return python_encoding.get("ISO 2022 IR " + name[12:], default_encoding)
    try:
        codec = codecs.lookup(name).name
    except (LookupError, ValueError):
        return default_encoding
    return codec if _FOREIGN.fullmatch(codec) else default_encoding


@lru_cache(maxsize=256)
def character_set(value: bytes = b"") -> CharacterSet:
    """The character set that a value of (0008,0005) names; the default repertoire for one nobody knows."""
    names = value.decode("ascii", "replace").rstrip(" \0").split("\\")
    codecs_ = [_codec(name) for name in names]
    if names[0] in STAND_ALONE_ENCODINGS:
        return CharacterSet(tuple(codecs_[:1]))
    extensions = (
        codec for name, codec in zip(names[1:], codecs_[1:], strict=True) if name not in STAND_ALONE_ENCODINGS
    )
    return CharacterSet((codecs_[0], *extensions))


DEFAULT_CHARACTER_SET = character_set()
