"""Batches of instances whose files lie in the store, and the headers that go with them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from pydicom import Dataset

from dicomhub.archive.incoming import key_of
from dicomhub.archive.services import index_batch
from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.storage.layout import instance_path
from tasks.messages import InstanceBatch, StoredInstance

FIRST = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
STUDY = "1.2.826.1"
SERIES = "1.2.826.1.1"


def header(**attributes: Any) -> dict[str, Any]:
    """A header in the DICOM JSON Model, of attributes by keyword."""
    data_set = Dataset()
    for keyword, value in attributes.items():
        setattr(data_set, keyword, value)
    return data_set.to_json_dict()


def archived(
    store: FilesystemStore,
    sop: str,
    *,
    study: str = STUDY,
    series: str = SERIES,
    tenant: str = "default",
    minute: int = 0,
    size_bytes: int = 1000,
    patient_id: str = "P1",
    sop_class: str = CT_IMAGE_STORAGE,
) -> StoredInstance:
    """An instance received so many minutes after FIRST, its file in its place."""
    path = instance_path(tenant, study, series, sop)
    file = store.absolute(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(bytes(size_bytes))
    return StoredInstance(
        tenant=tenant,
        patient_id=patient_id,
        study_instance_uid=study,
        series_instance_uid=series,
        sop_instance_uid=sop,
        sop_class_uid=sop_class,
        transfer_syntax_uid="1.2.840.10008.1.2.1",
        path=path,
        size_bytes=size_bytes,
        digest="xxh3-128:00000000000000000000000000000000",
        source="dimse",
        calling_ae_title="SENDER",
        called_ae_title="DICOMHUB",
        source_address="127.0.0.1",
        received_at=FIRST + timedelta(minutes=minute),
        trace_id="trace",
    )


def index(
    store: FilesystemStore, batch_id: str, *instances: StoredInstance, header: dict[str, Any]
) -> InstanceBatch:
    """Index a batch all of whose series have this header."""
    batch = InstanceBatch(batch_id=batch_id, instances=instances)
    headers = {key_of(instance): header for instance in instances}
    index_batch(batch, headers=headers, store=store)
    return batch
