"""An instance's row from its header, whatever stands in it."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from dicomhub.standard.dicom_json import data_set_to_model, encode_model
from dicomhub.standard.transfer_syntax import transfer_syntax
from tasks.messages import StoredInstance
from tasks.warehouse.arrow_rows import arrow_rows
from tasks.warehouse.rows import image_row
from tasks.warehouse.tables import IMAGE_META
from tests.warehouse.making import CT_IMAGE, EXPLICIT_LITTLE_ENDIAN

SLICE_THICKNESS, IMAGE_POSITION, IMAGE_ORIENTATION = 0x00180050, 0x00200032, 0x00200037
INSTANCE = StoredInstance(
    tenant="default", patient_id="P1", study_instance_uid="1.2", series_instance_uid="1.3",
    sop_instance_uid="1.4", sop_class_uid=CT_IMAGE, transfer_syntax_uid=EXPLICIT_LITTLE_ENDIAN,
    path="default/1.2/1.3/1.4.dcm", size_bytes=10, digest="xxh3-128:0", source="dimse",
    calling_ae_title="SCANNER", called_ae_title="DICOMHUB", source_address="127.0.0.1",
    received_at=datetime(2026, 11, 20, tzinfo=UTC), trace_id="trace",
)  # fmt: skip


def row_of(elements: dict[int, tuple[str, bytes]]) -> dict[str, Any]:
    """Of a data set with these bytes as values; the warehouse takes the row."""
    data = b"".join(
        tag.to_bytes(4)[1::-1]
        + tag.to_bytes(4)[:1:-1]
        + vr.encode()
        + (len(value) + len(value) % 2).to_bytes(2, "little")
        + value
        + b" " * (len(value) % 2)
        for tag, (vr, value) in elements.items()
    )
    model = data_set_to_model(data, transfer_syntax(EXPLICIT_LITTLE_ENDIAN), bulk_data_uri="http://here")
    line = image_row(INSTANCE, encode_model(model))
    assert arrow_rows(IMAGE_META, line).num_rows == 1
    return dict(orjson.loads(line))


@pytest.mark.parametrize(
    ("written", "number"),
    [
        (b"2.5", 2.5),
        (b"0.35714285714285714299", 0.35714285714285715),
        (b"-.50000000000000000001e1", -5.0),
        (b"1e400", None),
        (b"NaN", None),
        (b"1_0", None),
        (b"2,5", None),
        (b"", None),
    ],
)
def test_a_number_of_any_length_has_its_column(written: bytes, number: float | None):
    assert row_of({SLICE_THICKNESS: ("DS", written)})["slice_thickness"] == number


def test_values_that_are_missing_leave_their_places():
    row = row_of({IMAGE_POSITION: ("DS", b"1\\\\3"), IMAGE_ORIENTATION: ("DS", b"1\\0\\\\0\\1\\0")})
    assert (row["image_position_x"], row["image_position_y"], row["image_position_z"]) == (1.0, None, 3.0)
    assert row["image_orientation_patient"] == "1.0\\0.0\\\\0.0\\1.0\\0.0"
