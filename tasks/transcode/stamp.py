"""Of what a rendition was made, and how, kept in the rendition itself: Private Information (0002,0102)."""

import os
from typing import NamedTuple

from dicomhub.standard.part10 import HEADER_MAX_BYTES, Part10Malformed, read_file_meta
from dicomhub.standard.uid import IMPLEMENTATION_CLASS_UID
from tasks.transcode.orders import SourceStamp


class RenditionStamp(NamedTuple):
    """near and ratio as in orders.RenderOrder: 0 without loss."""

    source: SourceStamp
    near: int = 0
    ratio: float = 0.0


def private_information(stamp: RenditionStamp) -> bytes:
    source = stamp.source
    text = f"source {source.digest} {source.size_bytes} {source.mtime_ns}"
    return f"{text} near {stamp.near} ratio {stamp.ratio!r}".encode("ascii")


def read_stamp(path: str | os.PathLike[str]) -> RenditionStamp | None:
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
        case ["source", digest, size_bytes, mtime_ns, "near", near, "ratio", ratio]:
            try:
                source = SourceStamp(digest=digest, size_bytes=int(size_bytes), mtime_ns=int(mtime_ns))
                return RenditionStamp(source, int(near), float(ratio))
            except ValueError:
                return None
    return None
