"""Read responses as a client does that shares no code with the server."""

import email.parser
import email.policy
import gzip
from io import BytesIO

import orjson
import pydicom


def body_of(response) -> bytes:
    body = b"".join(response.streaming_content) if response.streaming else response.content
    if "Content-Length" in response:
        assert len(body) == int(response["Content-Length"])
    return gzip.decompress(body) if response.get("Content-Encoding") == "gzip" else body


def json_of(response):
    return orjson.loads(body_of(response))


def parts_of(response):
    """The parts of a multipart response: (headers, content) each."""
    content_type = email.parser.HeaderParser().parsestr(f"Content-Type: {response['Content-Type']}")
    assert content_type.get_content_type() == "multipart/related"
    delimiter = b"\r\n--" + content_type.get_param("boundary").encode("ascii")
    segments = (b"\r\n" + body_of(response)).split(delimiter)
    assert segments[0] == b""
    assert segments[-1] == b"--\r\n"
    parts = []
    for segment in segments[1:-1]:
        assert segment.startswith(b"\r\n")
        head, _, content = segment[2:].partition(b"\r\n\r\n")
        headers = email.parser.BytesHeaderParser(policy=email.policy.HTTP).parsebytes(head + b"\r\n\r\n")
        parts.append((headers, content))
    return parts


def transfer_syntax_of(part) -> str:
    headers, content = part
    uid = headers["Content-Type"].params["transfer-syntax"]
    assert headers.get_content_type() == "application/dicom"
    assert pydicom.dcmread(BytesIO(content), stop_before_pixels=True).file_meta.TransferSyntaxUID == uid
    return uid
