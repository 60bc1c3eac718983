"""The Native DICOM Model: a data set as an XML document. PS3.19 A.1.

It is written from the DICOM JSON Model, value for value. What XML 1.0 has no place for (control characters
other than tab, line feed and carriage return) becomes U+FFFD.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from dicomhub.standard.attributes import keyword_of

Model = Mapping[str, Any]

NAMESPACE: Final = "http://dicom.nema.org/PS3.19/models/NativeDICOM"
_BEGIN: Final = (
    f'<?xml version="1.0" encoding="UTF-8"?>\n<NativeDicomModel xmlns="{NAMESPACE}" xml:space="preserve">'
)
_END: Final = "</NativeDicomModel>"
_NAME_GROUPS: Final = ("Alphabetic", "Ideographic", "Phonetic")
_NAME_COMPONENTS: Final = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")
_FORBIDDEN: Final = "\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff"
# Readers make a line feed of a carriage return, and in attributes a space of both, unless it is a reference.
_IN_TEXT: Final = re.compile(f"[&<>\r{_FORBIDDEN}]")
_IN_ATTRIBUTE: Final = re.compile(f'[&<>"\t\n\r{_FORBIDDEN}]')
_REFERENCES: Final = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "\t": "&#9;",
    "\n": "&#10;",
    "\r": "&#13;",
}


def write_native_model(model: Model) -> bytes:
    """A whole document, in UTF-8, of one data set in the DICOM JSON Model.

    Private elements have the form gggg00ee and name their private creator; the elements that reserve the
    creators' blocks are left out, as the blocks are. A private element of a block that nobody reserved, or
    that the same creator reserved once more, keeps its tag.
    """
    return "".join((_BEGIN, *_attributes(model), _END)).encode()


def _attributes(model: Model) -> Iterator[str]:
    creators = _private_creators(model)
    for tag, attribute in model.items():
        if tag in creators:
            continue
        creator = creators.get(_reservation(tag)) if _is_private(tag) else None
        name = f'tag="{tag}"' if creator is None else f'tag="{tag[:4]}00{tag[6:]}"'
        name += f' vr="{attribute["vr"]}"'
        if creator is not None:
            name += f' privateCreator="{_quotable(creator)}"'
        elif (keyword := keyword_of(tag)) is not None:
            name += f' keyword="{keyword}"'
        content = _content(attribute)
        yield f"<DicomAttribute {name}>{content}</DicomAttribute>" if content else f"<DicomAttribute {name}/>"


def _private_creators(model: Model) -> dict[str, str]:
    """By the tag of the element that reserves the block. PS3.5 7.8.1."""
    creators: dict[str, str] = {}
    reserved: set[tuple[str, str]] = set()
    for tag, attribute in model.items():
        if not _is_private(tag) or not "0010" <= tag[4:] <= "00FF":
            continue
        match attribute.get("Value"):
            case [str(creator)] if (tag[:4], creator) not in reserved:
                reserved.add((tag[:4], creator))
                creators[tag] = creator
    return creators


def _is_private(tag: str) -> bool:
    return tag[3] in "13579BDF"


def _reservation(tag: str) -> str:
    """The tag of the private creator that a private element belongs to."""
    return f"{tag[:4]}00{tag[4:6]}"


def _content(attribute: Model) -> str:
    if "BulkDataURI" in attribute:
        return f'<BulkData uri="{_quotable(attribute["BulkDataURI"])}"/>'
    if "InlineBinary" in attribute:
        return f"<InlineBinary>{attribute['InlineBinary']}</InlineBinary>"
    return "".join(_values(attribute["vr"], attribute.get("Value", ())))


def _values(vr: str, values: Sequence[Any]) -> Iterator[str]:
    """Numbered from 1; an empty value among others is an empty element."""
    if vr == "SQ":
        for number, item in enumerate(values, 1):
            yield f'<Item number="{number}">{"".join(_attributes(item or {}))}</Item>'
    elif vr == "PN":
        for number, name in enumerate(values, 1):
            yield f'<PersonName number="{number}">{"".join(_name_groups(name or {}))}</PersonName>'
    else:
        for number, value in enumerate(values, 1):
            yield f'<Value number="{number}">{_plain(value)}</Value>'


def _name_groups(name: Mapping[str, str]) -> Iterator[str]:
    for group in _NAME_GROUPS:
        # What is behind a fourth caret is the suffix, further carets too.
        components = zip(_NAME_COMPONENTS, name.get(group, "").split("^", 4), strict=False)
        written = "".join(f"<{kind}>{_text(text)}</{kind}>" for kind, text in components if text)
        if written:
            yield f"<{group}>{written}</{group}>"


def _plain(value: str | float | None) -> str:
    if value is None:
        return ""
    return _text(value) if isinstance(value, str) else repr(value).removesuffix(".0")


def _text(text: str) -> str:
    return _IN_TEXT.sub(_reference, text)


def _quotable(text: str) -> str:
    return _IN_ATTRIBUTE.sub(_reference, text)


def _reference(match: re.Match[str]) -> str:
    return _REFERENCES.get(match[0], "\N{REPLACEMENT CHARACTER}")
