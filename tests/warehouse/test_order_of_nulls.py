"""Doris puts nulls first when it is not told otherwise, DuckDB last."""

from datetime import datetime

from tasks.warehouse.port import Warehouse
from tasks.warehouse.queries import QueryName
from tasks.warehouse.tables import RECEIVE_LOG, TRANSCODE_LOG
from tests.warehouse.making import image_row, ndjson, receive_row, transcode_row

EVERYTHING = {"tenant": None, "since": datetime(2000, 1, 1), "until": datetime(2100, 1, 1)}


def test_what_is_not_known_comes_last(warehouse: Warehouse) -> None:
    images = [
        image_row(1, 1, 1, modality=None, calling_ae_title=None),
        image_row(1, 1, 2, modality="CT", calling_ae_title="SCANNER"),
    ]
    warehouse.load(RECEIVE_LOG, "received", ndjson(map(receive_row, images)))
    transcoded = [transcode_row(1, reason=None), transcode_row(2, reason="not needed")]
    warehouse.load(TRANSCODE_LOG, "transcoded", ndjson(transcoded))
    for query, column, expected in (
        (QueryName.RECEIVED_BY_MODALITY, "modality", ["CT", None]),
        (QueryName.RECEIVED_BY_SOURCE, "calling_ae_title", ["SCANNER", None]),
        (QueryName.TRANSCODE_OUTCOMES, "reason", ["not needed", None]),
    ):
        rows = warehouse.query(query, EVERYTHING).mappings()
        assert [row[column] for row in rows] == expected
