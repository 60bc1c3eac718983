"""What the end-to-end tests ask of the web side, with requests and the standard library alone."""

from dataclasses import dataclass
from email.message import Message
from typing import Any

import requests

AS_STORED = 'multipart/related; type="application/dicom"; transfer-syntax=*'


@dataclass(frozen=True)
class DicomWeb:
    base_url: str

    def get(self, path: str, *, accept: str = "application/dicom+json", **query: str) -> requests.Response:
        return requests.get(f"{self.base_url}{path}", params=query, headers={"Accept": accept}, timeout=300)

    def json(self, path: str, **query: str) -> list[dict[str, Any]]:
        response = self.get(path, **query)
        assert response.status_code in {200, 204, 404}, response.text
        return response.json() if response.status_code == 200 else []

    def instances_found(self, **query: str) -> int:
        """NumberOfStudyRelatedInstances, summed over the studies that match."""
        return sum(study["00201208"]["Value"][0] for study in self.json("/studies", **query))

    def part_10_files(self, path: str, *, accept: str = AS_STORED) -> list[bytes]:
        response = self.get(path, accept=accept)
        assert response.status_code == 200, response.text
        return parts_of(response.headers["Content-Type"], response.content)


def parts_of(content_type: str, body: bytes) -> list[bytes]:
    """The contents of a multipart body."""
    message = Message()
    message["Content-Type"] = content_type
    delimiter = b"--" + str(message.get_param("boundary")).encode("ascii")
    parts = (b"\r\n" + body).split(b"\r\n" + delimiter)
    assert parts[0] == b""
    assert parts[-1].startswith(b"--")
    return [part.partition(b"\r\n\r\n")[2] for part in parts[1:-1]]


def value(model: dict[str, Any], tag: str) -> Any:
    return model[tag]["Value"][0]
