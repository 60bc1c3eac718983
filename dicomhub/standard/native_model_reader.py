"""The Native DICOM Model in XML, as a DICOM JSON Model. PS3.19 A.1.

Entities, document types and what is outside of the document are refused (defusedxml).
"""

from collections.abc import Iterator
from typing import Any, Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from dicomhub.standard.item import MAX_DEPTH

_GROUPS: Final = ("Alphabetic", "Ideographic", "Phonetic")
_COMPONENTS: Final = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")
_INTEGER_VRS: Final = frozenset(("SL", "SS", "UL", "US"))
_MOST_LEFT_OUT: Final = 64
_NUMBER_MAX_DIGITS: Final = 9
_MOST_MARKUP: Final = 1_000_000  # of elements' beginnings and ends: each element takes some hundred bytes
_FLOAT_VRS: Final = frozenset(("FD", "FL"))
_BLOCKS: Final = tuple(f"{number:02X}" for number in range(0x10, 0x100))


class NativeModelMalformed(ValueError):
    """The document is no Native DICOM Model."""


def read_native_model(document: bytes) -> dict[str, Any]:
    """One data set. Raises NativeModelMalformed; values are not looked at."""
    if document.count(b"<") > _MOST_MARKUP:
        raise NativeModelMalformed("the document has too many elements")
    try:
        root = fromstring(document, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise NativeModelMalformed(
            f"the document is no XML that is read here: {type(error).__name__}"
        ) from None
    if _name(root) != "NativeDicomModel":
        raise NativeModelMalformed("the document's root is no NativeDicomModel")
    return _data_set(root, 0)


def _name(element: Element) -> str:
    """Without its namespace, which senders leave out."""
    return str(element.tag).rpartition("}")[2]


def _children(element: Element, name: str) -> list[Element]:
    return [child for child in element if _name(child) == name]


def _data_set(parent: Element, depth: int) -> dict[str, Any]:
    if depth > MAX_DEPTH:
        raise NativeModelMalformed(f"sequences are nested more than {MAX_DEPTH} deep")
    model: dict[str, Any] = {}
    unplaced: list[tuple[str, str, dict[str, Any]]] = []
    for element in _children(parent, "DicomAttribute"):
        tag, vr = element.get("tag", "").upper(), element.get("vr", "")
        attribute = {"vr": vr, **_value(element, vr, depth)}
        creator = element.get("privateCreator")
        if creator is not None and _is_private(tag) and tag[4:6] == "00":
            unplaced.append((tag, creator, attribute))
        else:
            model[tag] = attribute
    blocks = _Blocks(model)
    for tag, creator, attribute in unplaced:
        group, element_number = tag[:4], tag[6:]
        model[f"{group}{blocks.of(group, creator)}{element_number}"] = attribute
    return model


def _is_private(tag: str) -> bool:
    return len(tag) == 8 and tag[3] in "13579BDF"


class _Blocks:
    """Those that private creators have reserved in a data set, or now reserve. PS3.5 7.8.1.

    Private attributes may have 00 for the block of their creator, which names them instead. PS3.19 A.1.6.
    """

    def __init__(self, model: dict[str, Any]) -> None:
        self._model = model
        self._blocks: dict[tuple[str, str], str] = {}
        self._untried: dict[str, Iterator[str]] = {}
        for tag, attribute in model.items():
            match attribute.get("Value"):
                case [str(creator)] if _is_private(tag) and "0010" <= tag[4:] <= "00FF":
                    self._blocks.setdefault((tag[:4], creator), tag[6:])

    def of(self, group: str, creator: str) -> str:
        """Two digits. Raises NativeModelMalformed."""
        block = self._blocks.get((group, creator))
        if block is None:
            block = self._blocks[group, creator] = self._reserved(group, creator)
        return block

    def _reserved(self, group: str, creator: str) -> str:
        for block in self._untried.setdefault(group, iter(_BLOCKS)):
            if (tag := f"{group}00{block}") not in self._model:
                self._model[tag] = {"vr": "LO", "Value": [creator]}
                return block
        raise NativeModelMalformed(f"group {group} has no block left for a private creator")


def _value(element: Element, vr: str, depth: int) -> dict[str, Any]:
    """Its Value, InlineBinary or BulkDataURI; nothing for an empty attribute."""
    if bulk := _children(element, "BulkData"):
        return {"BulkDataURI": bulk[0].get("uri") or bulk[0].get("uuid") or ""}
    if inline := _children(element, "InlineBinary"):
        return {"InlineBinary": "".join((inline[0].text or "").split())}
    values: list[Any]
    if vr == "SQ":
        values = _numbered([(item, _data_set(item, depth + 1)) for item in _children(element, "Item")], {})
    elif vr == "PN":
        values = _numbered([(name, _person_name(name)) for name in _children(element, "PersonName")], None)
    else:
        values = _numbered([(value, _single(value.text, vr)) for value in _children(element, "Value")], None)
    return {"Value": values} if values else {}


def _numbered(values: list[tuple[Element, Any]], nothing: Any) -> list[Any]:
    """In the order of their numbers, which begin at 1; those left out are empty."""
    placed: dict[int, Any] = {}
    for place, (element, value) in enumerate(values, start=1):
        number = element.get("number", str(place))
        is_number = number.isdecimal() and len(number) <= _NUMBER_MAX_DIGITS
        if not is_number or not 0 < int(number) <= len(values) + _MOST_LEFT_OUT:
            raise NativeModelMalformed("the number of a value is none")
        placed[int(number)] = value
    return [placed.get(number, nothing) for number in range(1, max(placed, default=0) + 1)]


def _single(text: str | None, vr: str) -> Any:
    if text is None:
        return None
    try:
        if vr in _INTEGER_VRS:
            return int(text)
        if vr in _FLOAT_VRS:
            return float(text)
    except ValueError:
        raise NativeModelMalformed(f"{text[:32]!r} is no value of {vr}") from None
    return text


def _person_name(element: Element) -> dict[str, str] | None:
    groups = {}
    for name in _GROUPS:
        for group in _children(element, name):
            parts = {_name(part): part.text or "" for part in group}
            groups[name] = "^".join(parts.get(component, "") for component in _COMPONENTS).rstrip("^")
    return groups or None
