"""The media types of pixels by their transfer syntax. PS3.18 tables 8.7.3-4 and 8.7.3-5."""

from typing import Final

from dicomhub.dicomweb.http.negotiation import OCTET_STREAM

_MEDIA_TYPES: Final = {
    "image/jpeg": (*range(50, 67), 70),
    "image/jls": (80, 81),
    "image/jp2": (90, 91),
    "image/jpx": (92, 93),
    "image/jphc": (201, 202, 203),
    "video/mpeg2": (100, 101),
    "video/mp4": (102, 103, 104, 105, 106),
    "video/h265": (107, 108),
}
_BY_TRANSFER_SYNTAX: Final = {
    "1.2.840.10008.1.2.5": "image/dicom-rle",
    **{
        f"1.2.840.10008.1.2.4.{number}{suffix}": media_type
        for media_type, numbers in _MEDIA_TYPES.items()
        for number in numbers
        for suffix in ("", ".1")  # the fragmentable ones of video
    },
}


def media_type_of(transfer_syntax_uid: str) -> str:
    """Of a frame as it is in this transfer syntax; application/octet-stream for one that has none."""
    return _BY_TRANSFER_SYNTAX.get(transfer_syntax_uid, OCTET_STREAM)
