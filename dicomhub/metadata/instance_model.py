"""One archived file in the DICOM JSON Model. PS3.18 F."""

import os
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from dicomhub.log import logger
from dicomhub.standard.dicom_json import data_set_to_model
from dicomhub.standard.element import DataSetMalformed
from dicomhub.standard.part10 import HEADER_MAX_BYTES, Part10Malformed, read_file_meta
from dicomhub.standard.transfer_syntax import TransferSyntaxUnknown, transfer_syntax
from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.storage.layout import SeriesKey, instance_path
from dicomhub.storage.mapped import map_data_set

# Stands in documents for the address of the service, which only a request knows.
BULK_DATA_BASE = "dicomhub-service:c3f6a0c2"

UNREADABLE: Final = (OSError, Part10Malformed, TransferSyntaxUnknown)
"""What keeps an archived file from having a model: it is gone or damaged."""


def read_instance_model(
    store: FilesystemStore, key: SeriesKey, sop_instance_uid: str
) -> tuple[dict[str, Any], str]:
    """Return the model of an archived file, with BulkDataURIs below BULK_DATA_BASE, and its transfer syntax.

    A data set that breaks off or is malformed further down is represented by what stands before that, and by
    its UIDs in any case: it is archived, so it must be found. Raises UNREADABLE.
    """
    descriptor = os.open(store.absolute(instance_path(*key, sop_instance_uid)), os.O_RDONLY | os.O_CLOEXEC)
    try:
        meta = read_file_meta(os.pread(descriptor, HEADER_MAX_BYTES, 0))
        bulk_data_uri = (
            f"{BULK_DATA_BASE}/studies/{key.study_instance_uid}/series/{key.series_instance_uid}"
            f"/instances/{sop_instance_uid}/bulkdata"
        )
        data_set = map_data_set(descriptor, meta.data_set_offset)
    finally:
        os.close(descriptor)
    read = partial(
        data_set_to_model, data_set, transfer_syntax(meta.transfer_syntax_uid), bulk_data_uri=bulk_data_uri
    )
    try:
        model = read()
    except DataSetMalformed as error:
        logger().warning("data_set_malformed", instance=sop_instance_uid, error=str(error))
        identity = _identifying_model(key, meta.media_storage_sop_class_uid, sop_instance_uid)
        model = dict(sorted((identity | _intact_part(read)).items()))
    return model, meta.transfer_syntax_uid


def _intact_part(read: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    try:
        return read(must_be_whole=False)
    except DataSetMalformed:
        return {}


def _identifying_model(key: SeriesKey, sop_class_uid: str, sop_instance_uid: str) -> dict[str, Any]:
    uids = {
        "00080016": sop_class_uid,
        "00080018": sop_instance_uid,
        "0020000D": key.study_instance_uid,
        "0020000E": key.series_instance_uid,
    }
    return {tag: {"vr": "UI", "Value": [uid]} for tag, uid in uids.items()}


def first_value(model: dict[str, Any], tag: str) -> Any:
    """The first value of an attribute, or None where it is absent or empty."""
    values = model.get(tag, {}).get("Value")
    return values[0] if values else None
