"""The instance that the next ones are compared with, and what is written of each of them, in pieces.

Between the pieces stands what differs: UID, message ID, size, digest and time. native/express.h says which.
"""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import msgspec

from dicomhub.standard.data_set_head import DataSetHead, read_head
from dicomhub.standard.element import EXPLICIT_LITTLE_ENDIAN, IMPLICIT_LITTLE_ENDIAN, encoding_of
from dicomhub.standard.part10 import HEADER_MAX_BYTES, file_header_pieces, read_file_meta
from dicomhub.standard.transfer_syntax import transfer_syntax
from dicomhub.storage.digest import DIGEST_PREFIX
from scp.dimse import Command, response_pieces
from scp.express.library import HEAD_BYTES
from tasks.messages import StoredInstance, encode_instance


@dataclass(frozen=True, slots=True)
class Model:
    """series is the folder, relative to the store's root; head are the data set's first bytes."""

    context_id: int
    series: str
    sop_class: bytes
    is_implicit_vr: bool
    head: bytes
    file_header: tuple[bytes, ...]
    line: tuple[bytes, ...]
    response: tuple[bytes, ...]


def model_of(root: Path, stored: StoredInstance, command: Command, *, context_id: int) -> Model | None:
    """Make a model of an archived instance and its command.

    None: its encoding cannot be compared with, or another has taken its place in the archive meanwhile.
    """
    syntax = transfer_syntax(stored.transfer_syntax_uid)
    if syntax.is_deflated:
        return None
    head = _head(root / stored.path)
    encoding = encoding_of(memoryview(head), syntax)
    if encoding not in (EXPLICIT_LITTLE_ENDIAN, IMPLICIT_LITTLE_ENDIAN):
        return None
    if not _is_head_of(stored, read_head(head, syntax, is_whole=len(head) < HEAD_BYTES)):
        return None
    return Model(
        context_id=context_id,
        series=stored.path.rpartition("/")[0],
        sop_class=_padded(stored.sop_class_uid),
        is_implicit_vr=encoding.is_implicit_vr,
        head=head,
        file_header=file_header_pieces(
            sop_class_uid=stored.sop_class_uid,
            transfer_syntax_uid=stored.transfer_syntax_uid,
            source_ae_title=stored.calling_ae_title,
        ),
        line=_line_pieces(stored),
        response=response_pieces(command),
    )


def _is_head_of(stored: StoredInstance, head: DataSetHead | None) -> bool:
    return head is not None and (
        head.patient_id,
        head.study_instance_uid,
        head.series_instance_uid,
        head.sop_instance_uid,
        head.sop_class_uid,
    ) == (
        stored.patient_id,
        stored.study_instance_uid,
        stored.series_instance_uid,
        stored.sop_instance_uid,
        stored.sop_class_uid,
    )


def _head(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        first = os.pread(descriptor, HEADER_MAX_BYTES, 0)
        return os.pread(descriptor, HEAD_BYTES, read_file_meta(first).data_set_offset)
    finally:
        os.close(descriptor)


def _padded(uid: str) -> bytes:
    value = uid.encode("ascii")
    return value + b"\0" * (len(value) % 2)


def _line_pieces(stored: StoredInstance) -> tuple[bytes, ...]:
    """Encode a record with marks that nobody can foresee, and cut it at these and at what stands between."""
    mark = secrets.token_hex(16)
    series = stored.path.rpartition("/")[0]
    marked = msgspec.structs.replace(
        stored, sop_instance_uid=mark, path=f"{series}/{mark}.dcm", digest=f"{DIGEST_PREFIX}{mark}"
    )
    line = encode_instance(marked) + b"\n"
    to_uid, to_path, to_digest, rest = line.split(mark.encode("ascii"))
    to_size, _, from_size = to_digest.partition(str(stored.size_bytes).encode("ascii"))
    # No text can hold this key: it would have its quotes escaped.
    to_moment, key, from_moment = rest.partition(b'"received_at":"')
    _, _, from_moment = from_moment.partition(b'"')
    return to_uid, to_path, to_size, from_size, to_moment + key, b'"' + from_moment
