"""The little of a DICOMweb client that the demo needs, on the standard library."""

import http.client
import json
import re
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

ANSWER_SECONDS = 30.0
AS_STORED = 'multipart/related; type="application/dicom"; transfer-syntax=*'


class UnexpectedAnswer(Exception):
    """A response that is neither the one asked for nor "nothing there"."""


class DicomWebClient:
    """One connection, kept open between requests. root_url: as in http://host:port/dicom-web"""

    def __init__(self, root_url: str) -> None:
        parts = urlsplit(root_url)
        self._path = parts.path
        self._connection = http.client.HTTPConnection(
            parts.hostname or "", parts.port, timeout=ANSWER_SECONDS
        )

    def instances_of_series(self, study_instance_uid: str, series_instance_uid: str) -> set[str]:
        """The SOP Instance UIDs that a search for the series' instances finds."""
        path = f"studies/{quote(study_instance_uid)}/series/{quote(series_instance_uid)}/instances"
        status, _, body = self._get(f"{path}?limit=1000", {"Accept": "application/dicom+json"})
        if status in {204, 404}:
            return set()
        if status != 200:
            raise UnexpectedAnswer(f"search answered {status}")
        return {match["00080018"]["Value"][0] for match in json.loads(body)}

    def retrieve(self, instance_path: str) -> bytes:
        """The instance as a DICOM file; in its own transfer syntax where the web allows that."""
        status, headers, body = self._get(quote(instance_path), {"Accept": AS_STORED})
        if status != 200:
            raise UnexpectedAnswer(f"retrieve answered {status}")
        return _only_part(headers.get("Content-Type", ""), body)

    def close(self) -> None:
        self._connection.close()

    def _get(self, path: str, headers: Mapping[str, str]) -> tuple[int, http.client.HTTPMessage, bytes]:
        try:
            self._connection.request("GET", f"{self._path}/{path}", headers=dict(headers))
            response = self._connection.getresponse()
            return response.status, response.headers, response.read()
        except (http.client.HTTPException, OSError) as error:
            self._connection.close()  # the next request opens another
            raise UnexpectedAnswer(f"the answer broke off: {error}") from None


def _only_part(content_type: str, body: bytes) -> bytes:
    """Take the one part out of a multipart body. RFC 2046 5.1."""
    match = re.search(r'boundary="?([^";]+)', content_type)
    if match is None:
        raise UnexpectedAnswer(f"no multipart answer but {content_type}")
    delimiter = b"--" + match[1].encode("ascii")
    before, found, rest = body.partition(delimiter + b"\r\n")
    part, end, _ = rest.rpartition(b"\r\n" + delimiter + b"--")
    if not found or not end or before.strip():
        raise UnexpectedAnswer("a multipart body without its delimiters")
    return part.partition(b"\r\n\r\n")[2]
