"""Rows of all tables, as the pipeline would make them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from tasks.warehouse.tables import SCHEMA_VERSION, format_datetime

Row = dict[str, Any]

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
JPEG_2000 = "1.2.840.10008.1.2.4.90"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def ndjson(rows: Iterable[Row]) -> bytes:
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)


def uids(study: int, series: int, instance: int) -> Row:
    root = "1.2.826.0.1.3680043.8.498"
    return {
        "study_instance_uid": f"{root}.{study}",
        "series_instance_uid": f"{root}.{study}.{series}",
        "sop_instance_uid": f"{root}.{study}.{series}.{instance}",
    }


def image_row(study: int, series: int, instance: int, *, at: datetime = NOON, **changes: Any) -> Row:
    return {
        "tenant": "default",
        **uids(study, series, instance),
        "received_at": format_datetime(at),
        "sop_class_uid": CT_IMAGE,
        "transfer_syntax_uid": EXPLICIT_LITTLE_ENDIAN,
        "modality": "CT",
        "study_date": "2026-11-20",
        "patient_id": f"P{study}",
        "instance_number": instance,
        "rows_count": 512,
        "columns_count": 512,
        "pixel_spacing_row": 0.7,
        "slice_location": -1.5 * instance,
        "size_bytes": 1000 + instance,
        "digest": f"xxh3-128:{study:08x}{series:08x}{instance:016x}",
        "path": f"default/{study}/{series}/{instance}.dcm",
        "source": "dimse",
        "calling_ae_title": "SCANNER",
        "header": header(study, instance),
        "schema_version": SCHEMA_VERSION,
        **changes,
    }


def header(study: int, instance: int, **changes: Any) -> Row:
    return {
        "00080060": {"vr": "CS", "Value": ["CT"]},
        "00080020": {"vr": "DA", "Value": ["20261120"]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": f"Müller^Study{study}", "Ideographic": "山田"}]},
        "00180060": {"vr": "DS", "Value": [120.0]},
        "00180050": {"vr": "DS", "Value": [2.5]},
        "0008103E": {"vr": "LO", "Value": ["100% contrast_agent"]},
        "00080008": {"vr": "CS", "Value": ["ORIGINAL", "PRIMARY", "AXIAL"]},
        "00200013": {"vr": "IS", "Value": [instance]},
        "00400275": {"vr": "SQ", "Value": [{"00400009": {"vr": "SH", "Value": [f"STEP{study}"]}}]},
        "00081030": {"vr": "LO"},
        **changes,
    }


def receive_row(image: Row, **changes: Any) -> Row:
    taken = ("tenant", "sop_class_uid", "transfer_syntax_uid", "modality", "size_bytes", "source")
    return {
        **{name: image[name] for name in (*taken, *uids(0, 0, 0), "received_at", "calling_ae_title")},
        "event_id": f"batch-1:{image['sop_instance_uid']}",
        "called_ae_title": "DICOMHUB",
        "source_address": "127.0.0.1",
        "trace_id": "trace",
        "batch_id": "batch-1",
        "node": "host",
        "schema_version": SCHEMA_VERSION,
        **changes,
    }


def state_row(study: int, series: int, *, revision: int = 1, instances: int = 1, **changes: Any) -> Row:
    identity = uids(study, series, 0)
    del identity["sop_instance_uid"]
    return {
        "tenant": "default",
        **identity,
        "revision": revision,
        "patient_id": f"P{study}",
        "patient_name": f"Müller^Study{study}",
        "study_date": "2026-11-20",
        "study_description": f"Study {study}",
        "modality": "CT",
        "number_of_instances": instances,
        "size_bytes": 1000 * instances,
        "first_received_at": format_datetime(NOON),
        "last_received_at": format_datetime(NOON),
        "updated_at": format_datetime(NOON),
        "schema_version": SCHEMA_VERSION,
        **changes,
    }


def transcode_row(number: int, *, outcome: str = "done", **changes: Any) -> Row:
    return {
        "happened_at": format_datetime(NOON + timedelta(seconds=number)),
        "event_id": f"transcode-{number}",
        "tenant": "default",
        **uids(1, 1, number),
        "sop_class_uid": CT_IMAGE,
        "source_transfer_syntax_uid": JPEG_2000,
        "target_transfer_syntax_uid": EXPLICIT_LITTLE_ENDIAN,
        "codec": "openjpeg",
        "outcome": outcome,
        "attempt": 1,
        "seconds": 0.25,
        "bytes_in": 100,
        "bytes_out": 400,
        "node": "host",
        "schema_version": SCHEMA_VERSION,
        **changes,
    }


def access_row(number: int, **changes: Any) -> Row:
    return {
        "happened_at": format_datetime(NOON + timedelta(seconds=number)),
        "event_id": f"access-{number}",
        "tenant": "default",
        "user_name": "ada",
        "address": "127.0.0.1",
        "method": "GET",
        "resource": "instance",
        **uids(1, 1, number),
        "status": 200,
        "bytes_sent": 1000,
        "milliseconds": float(number),
        "request_id": f"request-{number}",
        "node": "host",
        "schema_version": SCHEMA_VERSION,
        **changes,
    }
