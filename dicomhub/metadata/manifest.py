"""The manifest of a series: a record for each instance that its metadata document holds, in that order."""

import gzip
import zlib
from dataclasses import dataclass
from datetime import datetime

import msgspec

from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.storage.layout import SeriesKey, series_manifest_path

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestEntry:
    """One instance. modified_at is the archived file's, to the microsecond, and tells a replaced file."""

    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    instance_number: int | None
    size_bytes: int
    digest: str
    received_at: datetime
    source: str
    modified_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """document_digest is that of the document (uncompressed) that this manifest goes with."""

    revision: int
    document_digest: str
    instances: tuple[ManifestEntry, ...]
    schema_version: int = SCHEMA_VERSION


def read_manifest(store: FilesystemStore, key: SeriesKey) -> Manifest | None:
    """The manifest, or None when there is none that can be read."""
    path = series_manifest_path(key.tenant, key.study_instance_uid, key.series_instance_uid)
    try:
        manifest = msgspec.json.decode(gzip.decompress(store.read_document(path)), type=Manifest)
    except (OSError, EOFError, zlib.error, msgspec.DecodeError):
        return None
    return manifest if manifest.schema_version == SCHEMA_VERSION else None


def write_manifest(store: FilesystemStore, key: SeriesKey, manifest: Manifest) -> None:
    path = series_manifest_path(key.tenant, key.study_instance_uid, key.series_instance_uid)
    store.write_document(path, gzip.compress(msgspec.json.encode(manifest), mtime=0))
