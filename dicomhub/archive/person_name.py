r"""Person names as a search sees them: case and accents folded, a place for each component group.

The column beside a name holds, for each name, \alphabetic^=ideographic^=phonetic^= and, behind the last name,
one more backslash. A pattern is a search value brought into the same shape.
"""

import re
import unicodedata

from dicomhub.standard.value import PersonName

WORD_MAX_LENGTH = 64
_BEFORE_A_WORD = "\\^= -'.,"
_BETWEEN_WORDS = re.compile(r"[\s\\^=,.;:'\u2019\u30fb\u00b7\uff65()/-]+")


def folded(text: str) -> str:
    """Without case and without accents: Müller and MULLER are the same. Kana keep their voicing marks."""
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(character for character in decomposed if not "\u0300" <= character <= "\u036f")
    return unicodedata.normalize("NFC", bare.casefold())


def folded_names(names: list[str]) -> str:
    """The column's text for names in the form of a PN value."""
    return "".join(_folded_name(PersonName.parse(name)) for name in names) + "\\" if any(names) else ""


def _folded_name(name: PersonName) -> str:
    groups = (name.alphabetic, name.ideographic, name.phonetic)
    return "\\" + "".join(f"{_components(group)}^=" for group in groups)


def _components(group: str) -> str:
    return "^".join(component.strip() for component in folded(group).split("^")).rstrip("^")


def name_patterns(value: str, *, is_list: bool) -> list[str]:
    """Patterns with * and ?, any of which the column has to match. PS3.4 C.2.2.2.1 and C.2.2.2.4.

    Components that the value leaves out match whatever is there: DOE finds Doe^John, ^JOHN finds it too. A
    value of ASCII letters is looked for in the alphabetic group, any other one in all of them; a value with
    groups of its own (=) group by group.
    """
    lead = "*\\" if is_list else "\\"
    query = PersonName.parse(value)
    alphabetic, ideographic, phonetic = (
        _pattern(group) for group in (query.alphabetic, query.ideographic, query.phonetic)
    )
    if "=" in value:
        return [f"{lead}{alphabetic}={ideographic}={phonetic}=\\*"]
    patterns = [f"{lead}{alphabetic}=*"]
    if not value.isascii():
        patterns += [f"{lead}*={alphabetic}=*=\\*", f"{lead}*=*={alphabetic}=\\*"]
    return patterns


def group_pattern(value: str) -> str:
    """What a component group, folded and with a ^ behind it, has to match for value to be found in it.

    Of a value with several groups, the first that says anything.
    """
    query = PersonName.parse(value)
    return _pattern(query.alphabetic or query.ideographic or query.phonetic)


def _pattern(group: str) -> str:
    components = [component or "*" for component in _components(group).split("^")]
    return "^".join(components) + "^*"


def words_of(folded_names: str) -> set[str]:
    """The words of folded names: those of all components of all groups.

    Names that are not written with letters are often asked for without a delimiter between family and given
    name, so such a group is a word in whole as well.
    """
    words = set(_BETWEEN_WORDS.split(folded_names))
    for group in re.split(r"[\\=]", folded_names):
        if not group.isascii():
            words.add("".join(_BETWEEN_WORDS.split(group)))
    return {word[:WORD_MAX_LENGTH] for word in words if word}


def word_patterns(value: str) -> list[str]:
    """Patterns with * and ?, each of which a word of the name has to match: fuzzy semantic matching.

    PS3.4 C.2.2.2.1.1. The words of value may come in any order, and each is the beginning of one; in which
    component or group is all the same.
    """
    words = (word.rstrip("*")[:WORD_MAX_LENGTH] for word in _BETWEEN_WORDS.split(folded(value)))
    return [f"{word}*" for word in dict.fromkeys(words) if word]


def patterns_within(word: str) -> list[str]:
    r"""Patterns of whole names in which a word of this pattern stands: \doe^jane^= has j*."""
    return [f"*{before}{word}" for before in _BEFORE_A_WORD]


def word_patterns_in_group(word: str) -> list[str]:
    """The same of a component group: of a whole one, or what is behind one of its delimiters."""
    return [word, *(f"*{before}{word}" for before in _BEFORE_A_WORD if before not in "\\=")]
