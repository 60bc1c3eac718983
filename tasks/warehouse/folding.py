"""Case and accents of person names, folded where the database is: characters for characters."""

import unicodedata
from typing import Final

_RANGES = (range(0xC0, 0x530), range(0x1E00, 0x2000), range(0xFF01, 0xFFF0))


def _folded(character: str) -> str:
    decomposed = unicodedata.normalize("NFKD", character)
    bare = "".join(part for part in decomposed if not "\u0300" <= part <= "\u036f")
    return unicodedata.normalize("NFC", bare.casefold())


_TABLE = {
    character: folded
    for codes in _RANGES
    for character in map(chr, codes)
    if len(folded := _folded(character)) == 1 and folded != character
}

FOLDED_FROM: Final = "".join(_TABLE)
"""Letters of Latin, Greek and Cyrillic, and the half and full width forms, that become another one."""
FOLDED_TO: Final = "".join(_TABLE.values())
"""What the letter at the same place of FOLDED_FROM becomes: SQL's translate(value, from, to)."""
