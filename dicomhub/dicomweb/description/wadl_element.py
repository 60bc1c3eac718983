"""An element of a WADL document, in XML and in JSON. PS3.18 G."""

from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree as ET

_NAMESPACE = "http://wadl.dev.java.net/2009/02"
_UNIQUE = {"resources", "request"}  # in what they stand in; all others are in a list (G.2.2, G.2.3)


@dataclass(frozen=True, slots=True)
class Element:
    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["Element"] = field(default_factory=list)
    text: str = ""

    def to_xml(self) -> bytes:
        """A document in UTF-8."""
        root = self._tree()
        root.set("xmlns", _NAMESPACE)
        ET.indent(root)
        document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
        return document

    def to_json(self) -> dict[str, Any]:
        """What stands in it, without its own name."""
        found: dict[str, Any] = {f"@{name}": value for name, value in self.attributes.items()}
        if self.text:
            found["value"] = self.text
        for child in self.children:
            if child.name in _UNIQUE:
                found[child.name] = child.to_json()
            else:
                found.setdefault(child.name, []).append(child.to_json())
        return found

    def _tree(self) -> ET.Element:
        element = ET.Element(self.name, self.attributes)
        element.text = self.text or None
        element.extend([child._tree() for child in self.children])  # noqa: SLF001 - of its own kind
        return element
