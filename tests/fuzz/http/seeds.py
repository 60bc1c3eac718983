"""Requests as they should be: every method of every route that the server says it has, of what is archived."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import Any

import pydicom

from tests.fuzz.http.request import Request, related

_ROOTS = (b"/dicom-web", b"/tenants/default/dicom-web")
_OTHERS: Mapping[str, Sequence[str]] = {
    "value": ("7FE00010", "00540016/0/00181076"),
    "frames": ("1", "1,1", "2"),
    "frame": ("1",),
}


@dataclass(frozen=True, slots=True)
class Archived:
    """A file that was filled in: the path parameters that name it, and its bytes."""

    names: Mapping[str, str]
    content: bytes

    @classmethod
    def read(cls, path: Path) -> "Archived":
        data_set = pydicom.dcmread(path, stop_before_pixels=True)
        uids = (data_set.StudyInstanceUID, data_set.SeriesInstanceUID, data_set.SOPInstanceUID)
        return cls(dict(zip(("study", "series", "instance"), map(str, uids), strict=True)), path.read_bytes())


def seeds(document: Mapping[str, Any], archived: Sequence[Archived]) -> list[Request]:
    """document: the service's OpenAPI document."""
    chance = random.Random(0)  # which values, not whether
    return [
        request
        for template, operations in document["paths"].items()
        for method in (*operations, "head", "options")
        for each, root in product(archived, _ROOTS)
        for request in _requests(
            chance, method, template, operations.get(method, next(iter(operations.values()))), each, root
        )
    ]


def _requests(
    chance: random.Random, method: str, template: str, operation: Any, archived: Archived, root: bytes
) -> Iterator[Request]:
    names = [each["name"] for each in operation["parameters"] if each["in"] == "path"]
    values = {name: chance.choice(_OTHERS.get(name, ("1",))) for name in names} | archived.names
    path = root + template.format_map(values).encode()
    query = [(each["name"].encode(), b"1") for each in operation["parameters"] if each["in"] == "query"]
    answers = operation["responses"].values()
    accepted = {media_type for answer in answers for media_type in answer.get("content", ())}
    for accept in sorted(accepted | {"*/*"}):
        headers = ((b"Accept", accept.encode()),)
        chosen = tuple(chance.sample(query, min(len(query), chance.randint(0, 2))))
        if method == "post":
            for content_type, body in bodies(archived):
                yield Request("POST", path, chosen, (*headers, (b"Content-Type", content_type)), body)
        else:
            yield Request(method.upper(), path, chosen, headers)


def bodies(archived: Archived) -> list[tuple[bytes, bytes]]:
    """What can be stored: (content type, body)."""
    data_set = pydicom.dcmread(BytesIO(archived.content))
    dicom, text = archived.content, f"[{data_set.to_json()}]".encode()

    def boundary(part_type: bytes) -> bytes:
        return b'multipart/related; type="' + part_type + b'"; boundary=fuzz'

    return [
        (boundary(b"application/dicom"), related([(b"application/dicom", dicom)])),
        (boundary(b"application/dicom"), related([(b"application/dicom", dicom[:5000])] * 2)),
        (b"application/dicom", dicom),
        (boundary(b"application/dicom+json"), related([(b"application/dicom+json", text)])),
        (b"application/dicom+json", text),
        (boundary(b"application/dicom+xml"), related([(b"application/dicom+xml", _XML)])),
    ]


_XML = b"""<?xml version="1.0" encoding="UTF-8"?>
<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM">
<DicomAttribute tag="00080016" vr="UI" keyword="SOPClassUID"><Value number="1">1.2.840.10008.5.1.4.1.1.7</Value>
</DicomAttribute><DicomAttribute tag="00080018" vr="UI"><Value number="1">1.2.3.4</Value></DicomAttribute>
<DicomAttribute tag="0020000D" vr="UI"><Value number="1">1.2</Value></DicomAttribute>
<DicomAttribute tag="0020000E" vr="UI"><Value number="1">1.2.3</Value></DicomAttribute>
<DicomAttribute tag="00100010" vr="PN"><PersonName number="1"><Alphabetic><FamilyName>A</FamilyName></Alphabetic>
</PersonName></DicomAttribute></NativeDicomModel>"""
