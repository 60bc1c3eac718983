r"""Person names as a search sees them: case and accents folded, a place for each component group.

The column beside a name holds, for each name, \alphabetic^=ideographic^=phonetic^= and, behind the last name,
one more backslash. A pattern is a search value brought into the same shape.
"""

import unicodedata

from dicomhub.standard.value import PersonName


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
