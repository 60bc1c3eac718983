"""A warehouse with an archive's days in it."""

from datetime import UTC, datetime, time, timedelta

from tasks.warehouse.port import LoadStatus, Warehouse
from tasks.warehouse.tables import ACCESS_LOG, IMAGE_META, RECEIVE_LOG, STATE_META, TRANSCODE_LOG, Table
from tests.warehouse.making import Row, access_row, image_row, ndjson, receive_row, state_row, transcode_row


def noon(days_ago: int) -> datetime:
    return datetime.combine(datetime.now(UTC).date() - timedelta(days=days_ago), time(12), UTC)


def put(warehouse: Warehouse, table: Table, label: str, rows: list[Row]) -> None:
    """Labels are of the whole database, not of a table."""
    assert warehouse.load(table, f"{table.name}-{label}", ndjson(rows)).status is LoadStatus.LOADED


def received(warehouse: Warehouse, label: str, images: list[Row]) -> None:
    """As instances are: in the log, and in the archive."""
    put(warehouse, RECEIVE_LOG, label, [receive_row(image) for image in images])
    put(warehouse, IMAGE_META, label, images)


def fill(warehouse: Warehouse) -> None:
    """Two studies of the default tenant and one of another, read, and in part transcoded.

    CT: 20 instances yesterday, 10 three days ago. MR: 5 forty days ago. Of tenant other: 2 CR yesterday.
    """
    warehouse.initialise()
    mr = {"modality": "MR", "calling_ae_title": "MAGNET"}
    cr = {"modality": "CR", "tenant": "other", "source": "stow", "calling_ae_title": None}
    received(warehouse, "ct", [image_row(1, 1, n, at=noon(1), size_bytes=1000) for n in range(20)])
    received(warehouse, "ct-2", [image_row(1, 2, n, at=noon(3), size_bytes=500) for n in range(10)])
    received(warehouse, "mr", [image_row(2, 1, n, at=noon(40), size_bytes=7, **mr) for n in range(5)])
    received(warehouse, "cr", [image_row(3, 1, n, at=noon(1), size_bytes=9, **cr) for n in range(2)])
    series = [
        state_row(1, 1, instances=20),
        state_row(1, 2, instances=10, modality="SR"),
        state_row(2, 1, instances=5, modality="MR", study_description="=1+1"),
        state_row(3, 1, instances=2, tenant="other", study_description=None),
    ]
    put(warehouse, STATE_META, "state", series)
    yesterday = {"happened_at": noon(1).strftime("%Y-%m-%d %H:%M:%S")}
    reads = [access_row(n, **yesterday) for n in range(101)]
    reads += [access_row(200 + n, user_name="bob", status=404, **yesterday) for n in range(3)]
    put(warehouse, ACCESS_LOG, "reads", reads)
    failed = {"outcome": "crashed", "reason": "the decoder ended by signal 11", "bytes_out": 0}
    attempts = [transcode_row(n, **yesterday) for n in range(4)]
    attempts += [transcode_row(10 + n, **failed, **yesterday) for n in range(2)]
    put(warehouse, TRANSCODE_LOG, "attempts", attempts)
