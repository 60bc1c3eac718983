"""What travels from the receiving side to the pipeline: values, and their form on the wire (JSON)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import msgspec

SCHEMA_VERSION = 1

Source = Literal["dimse", "stow", "import"]


class MessageMalformed(ValueError):
    """A message or journal line that does not hold what this version of dicomhub writes."""


class StoredInstance(msgspec.Struct, frozen=True, kw_only=True):
    """One archived instance, as the side that archived it saw it.

    path is relative to the store's root, digest is "xxh3-128:<hex>" of the data set's bytes as received
    (the Part 10 header left out), received_at is in UTC.
    """

    tenant: str
    patient_id: str
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    path: str
    size_bytes: int
    digest: str
    source: Source
    calling_ae_title: str
    called_ae_title: str
    source_address: str
    received_at: datetime
    trace_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceBatch:
    """The unit of work of the pipeline: instances archived together."""

    batch_id: str
    instances: tuple[StoredInstance, ...]
    schema_version: int = SCHEMA_VERSION


_instance_decoder = msgspec.json.Decoder(StoredInstance)


def encode_instance(instance: StoredInstance) -> bytes:
    """One line of a journal, without its newline."""
    return msgspec.json.encode(instance)


def decode_instance(line: bytes) -> StoredInstance:
    """Raises MessageMalformed."""
    try:
        return _instance_decoder.decode(line)
    except msgspec.DecodeError as error:
        raise MessageMalformed(str(error)) from error


def batch_to_message(batch: InstanceBatch) -> dict[str, Any]:
    """A batch as plain JSON values, for a task's arguments."""
    message: dict[str, Any] = msgspec.to_builtins(batch)
    return message


def batch_from_message(message: dict[str, Any]) -> InstanceBatch:
    """Raises MessageMalformed, also for a schema version that this code does not read."""
    try:
        batch = msgspec.convert(message, InstanceBatch)
    except msgspec.ValidationError as error:
        raise MessageMalformed(str(error)) from error
    if batch.schema_version != SCHEMA_VERSION:
        raise MessageMalformed(f"schema version {batch.schema_version} is not {SCHEMA_VERSION}")
    return batch
