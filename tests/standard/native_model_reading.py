"""The Native DICOM Model read by the schema of PS3.19 A.1.6, which shares no code with what writes it."""

import re
from base64 import b64decode
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

NAMESPACE = "{http://dicom.nema.org/PS3.19/models/NativeDICOM}"
SPACE = "{http://www.w3.org/XML/1998/namespace}space"
VR = re.compile("A[EST]|CS|D[AST]|F[DL]|IS|L[OT]|O[BDFLVW]|PN|S[HLQSTV]|TM|U[CILNRSTV]")
NAME_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
NAME_COMPONENTS = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")
BYTES = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "UN"))


@dataclass
class Attribute:
    """values are texts, names as they are in DICOM (A^B=C^D), or the attributes of each item."""

    tag: str
    vr: str
    keyword: str | None
    creator: str | None
    values: list = field(default_factory=list)
    bulk_data_uri: str | None = None
    inline_binary: bytes | None = None


def read_native_model(document: bytes) -> list[Attribute]:
    assert document.startswith(b'<?xml version="1.0" encoding="UTF-8"?>')
    root = ET.fromstring(document)
    assert root.tag == f"{NAMESPACE}NativeDicomModel"
    assert root.attrib == {SPACE: "preserve"}
    return attributes_in(root)


def attributes_in(parent) -> list[Attribute]:
    assert not parent.text
    attributes = [attribute_of(element) for element in parent]
    named = [(attribute.tag, attribute.creator) for attribute in attributes]
    assert len(named) == len(set(named))
    return attributes


def attribute_of(element) -> Attribute:
    assert name_of(element) == "DicomAttribute"
    assert not element.text
    assert element.attrib.keys() <= {"tag", "vr", "keyword", "privateCreator"}
    attribute = Attribute(
        element.attrib["tag"],
        element.attrib["vr"],
        element.attrib.get("keyword"),
        element.attrib.get("privateCreator"),
    )
    assert re.fullmatch("[0-9A-F]{8}", attribute.tag)
    assert VR.fullmatch(attribute.vr)
    if attribute.creator is not None:
        assert int(attribute.tag[:4], 16) % 2 == 1
        assert attribute.tag[4:6] == "00"
    kinds = {name_of(child) for child in element}
    if kinds == {"BulkData"}:
        (child,) = element
        attribute.bulk_data_uri = child.attrib["uri"]
    elif kinds == {"InlineBinary"}:
        (child,) = element
        assert attribute.vr in BYTES
        attribute.inline_binary = b64decode(child.text, validate=True)
    elif kinds:
        assert kinds == {{"SQ": "Item", "PN": "PersonName"}.get(attribute.vr, "Value")}
        assert [child.attrib for child in element] == [{"number": str(n + 1)} for n in range(len(element))]
        attribute.values = [VALUES[name_of(child)](child) for child in element]
    assert not any(child.tail for child in element)
    return attribute


def name_of(element) -> str:
    assert element.tag.startswith(NAMESPACE)
    return element.tag.removeprefix(NAMESPACE)


def text_of(element) -> str:
    assert len(element) == 0
    return element.text or ""


def person_name_of(element) -> str:
    groups = dict.fromkeys(NAME_GROUPS, "")
    assert_in_order([name_of(group) for group in element], NAME_GROUPS)
    for group in element:
        components = dict.fromkeys(NAME_COMPONENTS, "")
        assert_in_order([name_of(component) for component in group], NAME_COMPONENTS)
        components |= {name_of(component): text_of(component) for component in group}
        groups[name_of(group)] = "^".join(components.values()).rstrip("^")
    return "=".join(groups.values()).rstrip("=")


def assert_in_order(names, order):
    assert names == [name for name in order if name in names]


VALUES = {"Value": text_of, "Item": attributes_in, "PersonName": person_name_of}


def assert_same(attributes, model):
    expected = [(tag, json) for tag, json in model.items() if not (is_reservation(tag) and "Value" in json)]
    assert len(attributes) == len(expected)
    for attribute, (tag, json) in zip(attributes, expected, strict=True):
        assert attribute.tag == (tag[:4] + "00" + tag[6:] if attribute.creator else tag)
        assert attribute.vr == json["vr"]
        assert attribute.bulk_data_uri == json.get("BulkDataURI")
        assert (attribute.inline_binary is None) == ("InlineBinary" not in json)
        values = json.get("Value", [])
        assert len(attribute.values) == len(values)
        for value, expected_value in zip(attribute.values, values, strict=True):
            assert_same_value(value, expected_value, json["vr"])


def assert_same_value(value, json, vr):
    if vr == "SQ":
        assert_same(value, json)
    elif json is None:
        assert value == ""
    elif vr == "PN":
        groups = [json.get(group, "").rstrip("^") for group in ("Alphabetic", "Ideographic", "Phonetic")]
        assert value == "=".join(groups).rstrip("=")
    elif isinstance(json, str):
        assert value == json.translate(dict.fromkeys((*range(9), 11, 12, *range(14, 32)), 0xFFFD))
    else:
        assert float(value) == json


def is_reservation(tag):
    return int(tag[:4], 16) % 2 == 1 and "0010" <= tag[4:] <= "00FF"
