"""Rows of the warehouse's tables as lines of JSON, made from what the pipeline knows."""

import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
import orjson

from dicomhub.standard.value import parse_date
from tasks.messages import StoredInstance
from tasks.warehouse.tables import SCHEMA_VERSION, format_datetime

_INTEGER_LIMIT = 2**31
_DECIMAL = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)


class _Attribute(msgspec.Struct, frozen=True):
    values: tuple[Any, ...] = msgspec.field(name="Value", default=())


_ABSENT = _Attribute()


def _attribute(tag: str) -> Any:
    return msgspec.field(name=tag, default=_ABSENT)


class _Header(msgspec.Struct, frozen=True):
    """What has a column of its own, of a header in the DICOM JSON Model; all else is passed over unread."""

    study_date: _Attribute = _attribute("00080020")
    modality: _Attribute = _attribute("00080060")
    patient_id: _Attribute = _attribute("00100020")
    slice_thickness: _Attribute = _attribute("00180050")
    instance_number: _Attribute = _attribute("00200013")
    image_position: _Attribute = _attribute("00200032")
    image_orientation: _Attribute = _attribute("00200037")
    slice_location: _Attribute = _attribute("00201041")
    samples_per_pixel: _Attribute = _attribute("00280002")
    photometric_interpretation: _Attribute = _attribute("00280004")
    number_of_frames: _Attribute = _attribute("00280008")
    rows: _Attribute = _attribute("00280010")
    columns: _Attribute = _attribute("00280011")
    pixel_spacing: _Attribute = _attribute("00280030")
    bits_allocated: _Attribute = _attribute("00280100")
    bits_stored: _Attribute = _attribute("00280101")
    high_bit: _Attribute = _attribute("00280102")
    pixel_representation: _Attribute = _attribute("00280103")
    window_center: _Attribute = _attribute("00281050")
    window_width: _Attribute = _attribute("00281051")


_header_decoder = msgspec.json.Decoder(_Header)


def image_row(instance: StoredInstance, header: bytes | None) -> bytes:
    """A row of dicom_image_meta. header: the DICOM JSON Model, or None of a file that cannot be read.

    What a column cannot take, a text where a number belongs say, is null there; the header has it.
    """
    row: dict[str, Any] = {
        "tenant": instance.tenant,
        "study_instance_uid": instance.study_instance_uid,
        "series_instance_uid": instance.series_instance_uid,
        "sop_instance_uid": instance.sop_instance_uid,
        "received_at": format_datetime(instance.received_at),
        "sop_class_uid": instance.sop_class_uid,
        "transfer_syntax_uid": instance.transfer_syntax_uid,
        "patient_id": instance.patient_id,
        "size_bytes": instance.size_bytes,
        "digest": instance.digest,
        "path": instance.path,
        "source": instance.source,
        "calling_ae_title": instance.calling_ae_title,
        "schema_version": SCHEMA_VERSION,
    }
    if header is not None:
        row |= _columns(_header_decoder.decode(header))
        row["header"] = orjson.Fragment(header)
    return orjson.dumps(row)


def _columns(header: _Header) -> dict[str, Any]:
    position, spacing = header.image_position, header.pixel_spacing
    return {
        "modality": _text(header.modality),
        "study_date": _date(header.study_date),
        "patient_id": _text(header.patient_id),
        "instance_number": _integer(header.instance_number),
        "rows_count": _integer(header.rows),
        "columns_count": _integer(header.columns),
        "number_of_frames": _integer(header.number_of_frames),
        "pixel_spacing_row": _number(spacing),
        "pixel_spacing_column": _number(spacing, 1),
        "slice_thickness": _number(header.slice_thickness),
        "slice_location": _number(header.slice_location),
        "image_position_x": _number(position),
        "image_position_y": _number(position, 1),
        "image_position_z": _number(position, 2),
        "image_orientation_patient": _joined(header.image_orientation),
        "samples_per_pixel": _integer(header.samples_per_pixel),
        "photometric_interpretation": _text(header.photometric_interpretation),
        "bits_allocated": _integer(header.bits_allocated),
        "bits_stored": _integer(header.bits_stored),
        "high_bit": _integer(header.high_bit),
        "pixel_representation": _integer(header.pixel_representation),
        "window_center": _number(header.window_center),
        "window_width": _number(header.window_width),
    }


def received_row(
    instance: StoredInstance,
    *,
    batch_id: str,
    position: int,
    modality: str,
    node: str,
    indexed_at: datetime | None,
) -> bytes:
    """A row of dicom_receive_log, for the instance at this position of its batch."""
    return orjson.dumps(
        {
            "received_at": format_datetime(instance.received_at),
            "event_id": f"{batch_id}-{position}",
            "tenant": instance.tenant,
            "study_instance_uid": instance.study_instance_uid,
            "series_instance_uid": instance.series_instance_uid,
            "sop_instance_uid": instance.sop_instance_uid,
            "sop_class_uid": instance.sop_class_uid,
            "transfer_syntax_uid": instance.transfer_syntax_uid,
            "modality": modality or None,
            "size_bytes": instance.size_bytes,
            "source": instance.source,
            "calling_ae_title": instance.calling_ae_title,
            "called_ae_title": instance.called_ae_title,
            "source_address": instance.source_address,
            "trace_id": instance.trace_id,
            "batch_id": batch_id,
            "node": node,
            "indexed_at": None if indexed_at is None else format_datetime(indexed_at),
            "schema_version": SCHEMA_VERSION,
        }
    )


def state_row(columns: Mapping[str, Any]) -> bytes:
    """A row of dicom_state_meta, from its columns as Python has them; times of day become HHMMSS.ffffff."""
    row = {
        name: format_datetime(value) if isinstance(value, datetime) else value
        for name, value in columns.items()
    }
    return orjson.dumps({**row, "schema_version": SCHEMA_VERSION})


def deleted_image_row(
    key: tuple[str, str, str], sop_instance_uid: str, *, path: str, deleted_at: datetime
) -> bytes:
    """A row that takes the place of an instance's in dicom_image_meta. key: tenant, study and series."""
    tenant, study, series = key
    row = {
        "tenant": tenant,
        "study_instance_uid": study,
        "series_instance_uid": series,
        "sop_instance_uid": sop_instance_uid,
        "received_at": format_datetime(deleted_at),
        "sop_class_uid": "",
        "transfer_syntax_uid": "",
        "size_bytes": 0,
        "digest": "",
        "path": path,
        "source": "",
        "schema_version": SCHEMA_VERSION,
        "deleted_at": format_datetime(deleted_at),
    }
    return orjson.dumps(row)


def deleted_state_row(key: tuple[str, str, str], *, revision: int, deleted_at: datetime) -> bytes:
    """A row that takes the place of a series' in dicom_state_meta."""
    tenant, study, series = key
    return state_row(
        {
            "tenant": tenant,
            "study_instance_uid": study,
            "series_instance_uid": series,
            "revision": revision,
            "number_of_instances": 0,
            "size_bytes": 0,
            "first_received_at": deleted_at,
            "last_received_at": deleted_at,
            "updated_at": deleted_at,
            "deleted_at": deleted_at,
        }
    )


def _value(attribute: _Attribute, position: int = 0) -> Any:
    values = attribute.values
    return values[position] if position < len(values) else None


def _text(attribute: _Attribute) -> str | None:
    value = _value(attribute)
    return value if isinstance(value, str) and value else None


def _integer(attribute: _Attribute) -> int | None:
    value = _value(attribute)
    return value if type(value) is int and -_INTEGER_LIMIT <= value < _INTEGER_LIMIT else None


def _number(attribute: _Attribute, position: int = 0) -> float | None:
    """A DS of more digits than a double has is a text in the header; here it is the nearest double."""
    value = _value(attribute, position)
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        value = float(value)
    return value if type(value) in (int, float) and math.isfinite(value) else None


def _joined(attribute: _Attribute) -> str | None:
    return "\\".join("" if value is None else str(value) for value in attribute.values) or None


def _date(attribute: _Attribute) -> str | None:
    value = parse_date(_text(attribute) or "")
    return None if value is None else value.isoformat()
