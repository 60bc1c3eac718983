"""Series metadata: one line an instance, made from the archived files, reused as long as they do not change.

A line is known by its manifest entry (size and time of the file it was made from), so adding a hundred
instances to a series of two thousand reads a hundred headers.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from dicomhub.log import logger
from dicomhub.metadata.instance_model import UNREADABLE, first_value, read_instance_model
from dicomhub.metadata.manifest import Manifest, ManifestEntry, read_manifest, write_manifest
from dicomhub.metadata.pages import document_digest, first_line, pack, unpack
from dicomhub.standard.dicom_json import encode_model
from dicomhub.storage.digest import digest_of_file
from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.storage.instance_file import InstanceFile
from dicomhub.storage.layout import SeriesKey, series_manifest_path, series_metadata_path
from tasks.messages import StoredInstance

_LAST = float("inf")


@dataclass(frozen=True, slots=True)
class SeriesMetadata:
    """The instances of a series in the order of their Instance Number: a JSON object each, and its record."""

    lines: tuple[bytes, ...]
    entries: tuple[ManifestEntry, ...]


def build_series(
    store: FilesystemStore, key: SeriesKey, *, received: Iterable[StoredInstance] = ()
) -> SeriesMetadata:
    """Make the metadata of a series as its folder stands now.

    received are the intake's records of instances that no manifest has yet, oldest first; what is in neither
    is read from the file itself.
    """
    known = _known_lines(store, key)
    records: dict[str, list[StoredInstance]] = {}
    for instance in received:
        records.setdefault(instance.sop_instance_uid, []).append(instance)
    built = []
    for file in store.instance_files(key.tenant, key.study_instance_uid, key.series_instance_uid):
        line, entry = known.get(file.sop_instance_uid, (b"", None))
        of_file = records.get(file.sop_instance_uid, [])
        if entry is None or not _is_of(entry, file, of_file):
            try:
                line, entry = _describe(store, key, file, of_file)
            except UNREADABLE as error:
                # Withdrawn since the folder was listed, or damaged on the disk: the others go on.
                logger().error("archived_file_unreadable", path=file.path, error=str(error))
                continue
        built.append((line, entry))
    built.sort(key=lambda item: _order(item[1]))
    return SeriesMetadata(tuple(line for line, _ in built), tuple(entry for _, entry in built))


def write_series(store: FilesystemStore, key: SeriesKey, metadata: SeriesMetadata, *, revision: int) -> None:
    """Replace document and manifest. A crash in between leaves a pair that does not match, and is rebuilt."""
    path = series_metadata_path(key.tenant, key.study_instance_uid, key.series_instance_uid)
    store.write_document(path, pack(metadata.lines))
    write_manifest(
        store,
        key,
        Manifest(
            revision=revision,
            document_digest=document_digest(metadata.lines),
            instances=metadata.entries,
        ),
    )


def remove_series(store: FilesystemStore, key: SeriesKey) -> None:
    """Of a series that is in the archive no more. Its study's documents are locked by the caller."""
    for path in (series_metadata_path(*key), series_manifest_path(*key)):
        store.absolute(path).unlink(missing_ok=True)


def read_series(store: FilesystemStore, key: SeriesKey, *, is_fresh: bool) -> SeriesMetadata:
    """The metadata of a series: the documents when they are fresh, else made from the files. Never old."""
    if is_fresh:
        known = _read_pair(store, key)
        if known is not None:
            return known
    return build_series(store, key)


def read_first_instance(store: FilesystemStore, key: SeriesKey, *, is_fresh: bool) -> bytes | None:
    """The JSON object of the first instance, or of any while the document is old; None when there is none."""
    if is_fresh:
        path = series_metadata_path(key.tenant, key.study_instance_uid, key.series_instance_uid)
        with suppress(OSError, EOFError):
            return first_line(store.read_document(path))
    for file in store.instance_files(key.tenant, key.study_instance_uid, key.series_instance_uid):
        with suppress(*UNREADABLE):
            model, _ = read_instance_model(store, key, file.sop_instance_uid)
            return encode_model(model)
    return None


def _read_pair(store: FilesystemStore, key: SeriesKey) -> SeriesMetadata | None:
    manifest = read_manifest(store, key)
    if manifest is None:
        return None
    path = series_metadata_path(key.tenant, key.study_instance_uid, key.series_instance_uid)
    try:
        lines = tuple(unpack(store.read_document(path)))
    except (OSError, EOFError):
        return None
    if document_digest(lines) != manifest.document_digest:
        return None
    return SeriesMetadata(lines, manifest.instances)


def _known_lines(store: FilesystemStore, key: SeriesKey) -> dict[str, tuple[bytes, ManifestEntry]]:
    pair = _read_pair(store, key)
    if pair is None:
        return {}
    return {
        entry.sop_instance_uid: (line, entry) for line, entry in zip(pair.lines, pair.entries, strict=True)
    }


def _is_of(entry: ManifestEntry, file: InstanceFile, records: list[StoredInstance]) -> bool:
    is_same_file = entry.size_bytes == file.size_bytes and entry.modified_at == file.modified_at
    return is_same_file and all(record.digest == entry.digest for record in records)


def _describe(
    store: FilesystemStore, key: SeriesKey, file: InstanceFile, records: list[StoredInstance]
) -> tuple[bytes, ManifestEntry]:
    model, transfer_syntax_uid = read_instance_model(store, key, file.sop_instance_uid)
    # Where several were received under one UID, only the file itself says which of them it is.
    is_certain = len({record.digest for record in records}) == 1
    digest = records[-1].digest if is_certain else _digest(store, file)
    record = next((record for record in reversed(records) if record.digest == digest), None)
    if record is not None and record.size_bytes != file.size_bytes:
        digest, record = _digest(store, file), None
    entry = ManifestEntry(
        sop_instance_uid=file.sop_instance_uid,
        sop_class_uid=str(first_value(model, "00080016") or ""),
        transfer_syntax_uid=transfer_syntax_uid,
        instance_number=_instance_number(model),
        size_bytes=file.size_bytes,
        digest=digest,
        received_at=record.received_at if record is not None else file.modified_at.astimezone(UTC),
        source=record.source if record is not None else "import",
        modified_at=file.modified_at,
    )
    return encode_model(model), entry


def _digest(store: FilesystemStore, file: InstanceFile) -> str:
    with store.absolute(file.path).open("rb") as archived:
        return digest_of_file(archived.fileno())


def _instance_number(model: dict[str, Any]) -> int | None:
    value = first_value(model, "00200013")
    return value if isinstance(value, int) else None


def _order(entry: ManifestEntry) -> tuple[float, str]:
    return (_LAST if entry.instance_number is None else entry.instance_number, entry.sop_instance_uid)
