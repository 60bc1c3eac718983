"""Some instances of a series, out of its documents or its files, whichever is less to read."""

from collections.abc import Collection
from dataclasses import dataclass

from dicomhub.log import logger
from dicomhub.metadata.instance_model import UNREADABLE, read_instance_model
from dicomhub.metadata.manifest import ManifestEntry, read_manifest
from dicomhub.metadata.series import read_series
from dicomhub.standard.dicom_json import encode_model
from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.storage.layout import SeriesKey

# A file's header takes ten times as long as a line of a document, of which all have to be unpacked.
_LINES_A_FILE = 10


@dataclass(frozen=True, slots=True)
class InstancesMetadata:
    """The record of every instance of the series, and the JSON objects of some, by SOP Instance UID."""

    entries: tuple[ManifestEntry, ...]
    lines: dict[str, bytes]


def read_instances(
    store: FilesystemStore, key: SeriesKey, sop_instance_uids: Collection[str], *, is_fresh: bool
) -> InstancesMetadata:
    """is_fresh: whether the series' documents are. What is not there or cannot be read has no line."""
    manifest = read_manifest(store, key) if is_fresh else None
    if manifest is None or len(sop_instance_uids) * _LINES_A_FILE >= len(manifest.instances):
        series = read_series(store, key, is_fresh=is_fresh)
        uids = (entry.sop_instance_uid for entry in series.entries)
        return InstancesMetadata(series.entries, dict(zip(uids, series.lines, strict=True)))
    lines = {}
    for uid in sop_instance_uids:
        try:
            lines[uid] = _line(store, key, uid)
        except UNREADABLE as error:
            logger().error("archived_file_unreadable", instance=uid, error=str(error))
    return InstancesMetadata(manifest.instances, lines)


def _line(store: FilesystemStore, key: SeriesKey, sop_instance_uid: str) -> bytes:
    model, _ = read_instance_model(store, key, sop_instance_uid)
    return encode_model(model)
