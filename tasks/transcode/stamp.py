"""Which source a rendition was made of, kept in the rendition itself: Private Information (0002,0102)."""

import os

from dicomhub.standard.part10 import HEADER_MAX_BYTES, Part10Malformed, read_file_meta
from dicomhub.standard.uid import IMPLEMENTATION_CLASS_UID
from tasks.transcode.orders import SourceStamp


def private_information(stamp: SourceStamp) -> bytes:
    return f"source {stamp.digest} {stamp.size_bytes} {stamp.mtime_ns}".encode("ascii")


def read_source_stamp(path: str | os.PathLike[str]) -> SourceStamp | None:
    """The stamp of a rendition, None for a file that has none. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        meta = read_file_meta(os.pread(descriptor, HEADER_MAX_BYTES, 0))
    except Part10Malformed:
        return None
    finally:
        os.close(descriptor)
    if meta.private_information_creator_uid != IMPLEMENTATION_CLASS_UID:
        return None
    match meta.private_information.rstrip(b"\0").decode("ascii", "replace").split(" "):
        case ["source", digest, size_bytes, mtime_ns] if size_bytes.isdecimal() and mtime_ns.isdecimal():
            return SourceStamp(digest=digest, size_bytes=int(size_bytes), mtime_ns=int(mtime_ns))
    return None
