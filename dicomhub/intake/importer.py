"""Imports: files that are already somewhere come in through the same door as what modalities send."""

import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import IO

from dicomhub.intake.admission import TenantAdmission
from dicomhub.intake.door import Intake, Provenance
from dicomhub.intake.refusal import IntakeRefused
from dicomhub.intake.sources import Source, SourceRefused, ZipBounds, sources
from dicomhub.standard.data_set_head import DataSetHead, read_head
from dicomhub.standard.element import DataSetMalformed
from dicomhub.standard.part10 import Part10Malformed, read_file_meta
from dicomhub.standard.transfer_syntax import (
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    TransferSyntaxUnknown,
    transfer_syntax,
)
from dicomhub.standard.uid import is_uid
from dicomhub.storage.filesystem import ArchiveOutcome

MEDIA_STORAGE_DIRECTORY = "1.2.840.10008.1.3.10"
_CHUNK_BYTES = 1024 * 1024
_FIRST_BYTES = 64 * 1024
_HEAD_MAX_BYTES = 64 * 1024 * 1024
# Files without a Part 10 header are tried in these, in this order.
_GUESSES = (IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN)


class NotDicom(Exception):
    """The file holds no instance; nothing is wrong with that."""


@dataclass(frozen=True, slots=True)
class Refusal:
    name: str
    reason: str


@dataclass(slots=True)
class ImportSummary:
    """What became of each file. not_dicom counts files that hold no instance."""

    outcomes: Counter[ArchiveOutcome] = field(default_factory=Counter)
    refused: list[Refusal] = field(default_factory=list)
    not_dicom: list[Refusal] = field(default_factory=list)
    size_bytes: int = 0


def import_paths(
    intake: Intake,
    paths: Iterable[Path],
    *,
    admission: TenantAdmission,
    provenance: Provenance,
    bounds: ZipBounds,
    progress: Callable[[int], None],
) -> ImportSummary:
    """Archive every instance that the paths lead to; progress is called with the bytes of each file done.

    The open batch is cut at the end. A refused file never stops the others.
    """
    summary = ImportSummary()
    try:
        for source in chain.from_iterable(sources(path, bounds=bounds) for path in paths):
            if isinstance(source, SourceRefused):
                summary.refused.append(Refusal(source.name, source.reason))
                continue
            _import_source(intake, source, summary, admission=admission, provenance=provenance)
            progress(source.size_bytes)
    finally:
        intake.cut()
    return summary


def _import_source(
    intake: Intake,
    source: Source,
    summary: ImportSummary,
    *,
    admission: TenantAdmission,
    provenance: Provenance,
) -> None:
    try:
        with source.open() as file:
            outcome = _import_file(intake, file, admission=admission, provenance=provenance)
    except NotDicom as error:
        summary.not_dicom.append(Refusal(source.name, str(error)))
    except IntakeRefused as error:
        summary.refused.append(Refusal(source.name, error.comment))
    except (DataSetMalformed, TransferSyntaxUnknown, OSError, zipfile.BadZipFile, zlib.error) as error:
        summary.refused.append(Refusal(source.name, str(error)))
    except (NotImplementedError, RuntimeError) as error:  # zipfile: a compression or encryption it lacks
        summary.refused.append(Refusal(source.name, f"ZIP member: {error}"))
    else:
        summary.outcomes[outcome] += 1
        summary.size_bytes += source.size_bytes


def _import_file(
    intake: Intake, file: IO[bytes], *, admission: TenantAdmission, provenance: Provenance
) -> ArchiveOutcome:
    first = file.read(_FIRST_BYTES)
    transfer_syntax_uid, offset = _transfer_syntax_of(first)
    data_set = bytearray(memoryview(first)[offset:])
    head = _head(data_set, file, transfer_syntax_uid)
    incoming = intake.receive(
        sop_class_uid=head.sop_class_uid,
        sop_instance_uid=head.sop_instance_uid,
        transfer_syntax_uid=transfer_syntax_uid,
        admission=admission,
        provenance=provenance,
    )
    with incoming:
        incoming.write([memoryview(data_set)])
        for chunk in _chunks(file):
            incoming.write([chunk])
        return incoming.archive().outcome


def _transfer_syntax_of(first: bytes) -> tuple[str, int]:
    """The transfer syntax UID and where the data set begins. Raises NotDicom."""
    try:
        meta = read_file_meta(first)
    except Part10Malformed as error:
        for uid in _GUESSES:
            if _is_data_set(first, uid):
                return uid, 0
        raise NotDicom(str(error)) from error
    if meta.media_storage_sop_class_uid == MEDIA_STORAGE_DIRECTORY:
        raise NotDicom("is a media directory (DICOMDIR)")
    return meta.transfer_syntax_uid, meta.data_set_offset


def _is_data_set(first: bytes, transfer_syntax_uid: str) -> bool:
    try:
        head = read_head(first, transfer_syntax(transfer_syntax_uid), is_whole=len(first) < _FIRST_BYTES)
    except DataSetMalformed:
        return False
    return head is not None and is_uid(head.sop_class_uid) and is_uid(head.sop_instance_uid)


def _head(data_set: bytearray, file: IO[bytes], transfer_syntax_uid: str) -> DataSetHead:
    """Read on into data_set until its head is there."""
    syntax = transfer_syntax(transfer_syntax_uid)
    is_whole = False
    while True:
        head = read_head(bytes(data_set), syntax, is_whole=is_whole)
        if head is not None:
            return head
        more = file.read(min(len(data_set), _HEAD_MAX_BYTES))
        is_whole = not more
        data_set += more
        if len(data_set) > _HEAD_MAX_BYTES:
            raise DataSetMalformed(f"no UIDs in its first {_HEAD_MAX_BYTES >> 20} MiB")


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK_BYTES):
        yield chunk
