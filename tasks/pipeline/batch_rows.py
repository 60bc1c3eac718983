"""What a batch is in the warehouse: its instances, their arrival, and the series as they stand now."""

import socket
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time
from itertools import groupby
from typing import Any

from dicomhub.archive import selectors
from dicomhub.archive.incoming import key_of
from dicomhub.archive.models import Series
from dicomhub.archive.typed_value import list_values
from dicomhub.metadata.instances import InstancesMetadata, read_instances
from dicomhub.metadata.manifest import ManifestEntry
from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.storage.layout import SeriesKey
from tasks.messages import InstanceBatch, StoredInstance
from tasks.warehouse.rows import image_row, received_row, state_row
from tasks.warehouse.tables import IMAGE_META, RECEIVE_LOG, STATE_META, Table


def batch_rows(store: FilesystemStore, batch: InstanceBatch) -> dict[Table, list[bytes]]:
    """The rows of a batch that is indexed, by table. Made again they are the same, or newer ones."""
    rows: dict[Table, list[bytes]] = {STATE_META: [], IMAGE_META: []}
    series = {_key(row): row for row in selectors.series_of_batch(batch.batch_id)}
    for key, group in groupby(sorted(batch.instances, key=key_of), key_of):
        instances = list(group)
        # The row was read before the documents are: these are as new as its revision, or newer.
        row = series.get(key)
        uids = {instance.sop_instance_uid for instance in instances}
        is_fresh = row is not None and row.is_document_fresh
        metadata = read_instances(store, key, uids, is_fresh=is_fresh)
        rows[IMAGE_META] += _image_rows(store, instances, metadata)
        if row is not None:
            rows[STATE_META].append(series_row(row, metadata.entries))
    modalities = {key: row.modality for key, row in series.items()}
    return {**rows, RECEIVE_LOG: list(_received_rows(batch, modalities))}


def _key(row: Series) -> SeriesKey:
    return SeriesKey(row.tenant_name, row.study.study_instance_uid, row.series_instance_uid)


def _image_rows(
    store: FilesystemStore, instances: Iterable[StoredInstance], metadata: InstancesMetadata
) -> Iterator[bytes]:
    """A row for each instance that is what the archive serves under its UID.

    One that was replaced since has none: the batch that brought the newer one brings its row.
    """
    digests = {entry.sop_instance_uid: entry.digest for entry in metadata.entries}
    for instance in instances:
        uid = instance.sop_instance_uid
        # One without a record cannot be read, and is archived all the same.
        if digests.get(uid, instance.digest) == instance.digest and store.absolute(instance.path).exists():
            yield image_row(instance, metadata.lines.get(uid))


def _received_rows(batch: InstanceBatch, modalities: dict[SeriesKey, str]) -> Iterator[bytes]:
    node = socket.gethostname()
    indexed_at = selectors.batch_indexed_at(batch.batch_id)
    for position, instance in enumerate(batch.instances):
        yield received_row(
            instance,
            batch_id=batch.batch_id,
            position=position,
            modality=modalities.get(key_of(instance), ""),
            node=node,
            indexed_at=indexed_at,
        )


def series_row(row: Series, entries: tuple[ManifestEntry, ...]) -> bytes:
    """A row of dicom_state_meta: the series as it stands now."""
    return state_row(_state(row, entries))


def _state(row: Series, entries: tuple[ManifestEntry, ...]) -> dict[str, Any]:
    study, patient, now = row.study, row.study.patient, datetime.now(UTC)
    received = [entry.received_at for entry in entries] or [now]
    return {
        "tenant": row.tenant_name,
        "study_instance_uid": study.study_instance_uid,
        "series_instance_uid": row.series_instance_uid,
        "revision": row.revision,
        "patient_id": patient.patient_id,
        "issuer_of_patient_id": patient.issuer_of_patient_id,
        "patient_name": patient.patient_name,
        "patient_birth_date": patient.patient_birth_date,
        "patient_sex": patient.patient_sex,
        "study_date": study.study_date,
        "study_time": _clock(study.study_time),
        "study_id": study.study_id,
        "study_description": study.study_description,
        "accession_number": study.accession_number,
        "referring_physician_name": study.referring_physician_name,
        "modality": row.modality,
        "series_number": row.series_number,
        "series_date": row.series_date,
        "series_time": _clock(row.series_time),
        "series_description": row.series_description,
        "body_part_examined": row.body_part_examined,
        "protocol_name": row.protocol_name,
        "institution_name": row.institution_name,
        "station_name": row.station_name,
        "manufacturer": row.manufacturer,
        "manufacturer_model_name": row.manufacturer_model_name,
        "sop_class_uids": "\\".join(list_values(row.sop_class_uids)),
        "transfer_syntax_uids": "\\".join(sorted({entry.transfer_syntax_uid for entry in entries})),
        "number_of_instances": row.number_of_instances,
        "size_bytes": row.size_bytes,
        "first_received_at": min(received),
        "last_received_at": max(received),
        "updated_at": now,
    }


def _clock(value: time | None) -> str | None:
    return None if value is None else f"{value:%H%M%S.%f}"
