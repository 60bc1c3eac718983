"""What the body of a request is, by its Content-Type. PS3.18 10.5.1, table 10.5.2-1."""

from dataclasses import dataclass

from dicomhub.dicomweb.http.accept import parse_content_type
from dicomhub.dicomweb.http.negotiation import DICOM, DICOM_JSON, DICOM_XML, MULTIPART

PART_TYPES = (DICOM, DICOM_JSON, DICOM_XML)
SUPPORTED = (*(f'{MULTIPART}; type="{part_type}"' for part_type in PART_TYPES), *PART_TYPES)


class MediaTypeUnsupported(Exception):
    """The body is of no media type, or in no coding, that can be stored; where is the header field."""

    def __init__(self, reason: str, where: str) -> None:
        super().__init__(reason)
        self.where = where


@dataclass(frozen=True, slots=True)
class BodyFormat:
    """part_type is the media type of the (first) part; boundary is None where the body is that part."""

    part_type: str
    boundary: str | None

    @classmethod
    def parse(cls, *, content_type: str, content_encoding: str) -> "BodyFormat":
        """Raises MediaTypeUnsupported."""
        if content_encoding.strip().lower() not in {"", "identity"}:
            raise MediaTypeUnsupported("a body in a content coding is not read", "Content-Encoding")
        media_type = parse_content_type(content_type)
        if media_type is None:
            raise MediaTypeUnsupported("the Content-Type is missing, or is none", "Content-Type")
        if media_type.name != MULTIPART:
            return cls(_supported(media_type.name), None)
        part_type = (media_type.parameter("type") or DICOM).strip().lower()
        return cls(_supported(part_type), media_type.parameter("boundary") or "")


def _supported(part_type: str) -> str:
    if part_type not in PART_TYPES:
        raise MediaTypeUnsupported(f"{part_type[:80]} is not stored", "Content-Type")
    return part_type
