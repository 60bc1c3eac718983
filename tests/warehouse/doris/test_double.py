"""The double refuses what Doris refuses: a double that takes anything proves nothing."""

import re

import pytest
import requests

from tasks.warehouse.ddl import TableSettings, create_table
from tasks.warehouse.tables import ACCESS_LOG, IMAGE_META
from tests.support.doris.cluster import PASSWORD, USER, DorisDouble
from tests.support.doris.definition import DdlRefused, read_table
from tests.warehouse.making import access_row, ndjson

SETTINGS = TableSettings(replication=1, buckets=1, log_retention_months=24)
IMAGES, ACCESSES = create_table(IMAGE_META, SETTINGS), create_table(ACCESS_LOG, SETTINGS)
ROWS = ndjson([access_row(1)])
HEADERS = {
    "Expect": "100-continue",
    "label": "label",
    "format": "json",
    "read_json_by_line": "true",
}
REFUSED = {
    "text as a key": IMAGES.replace("`tenant` VARCHAR(128)", "`tenant` STRING"),
    "key columns that are not the first": IMAGES.replace("KEY (`tenant`, ", "KEY (`path`, "),
    "a partition outside of the key": ACCESSES.replace(
        "date_trunc(`happened_at`", "date_trunc(`milliseconds`"
    ),
    "a partition by what may be null": ACCESSES.replace("DATETIME(6) NOT NULL", "DATETIME(6) NULL"),
    "buckets by what is no key": IMAGES.replace("HASH (`study_instance_uid`)", "HASH (`modality`)"),
    "a sequence of text": IMAGES.replace('_col" = "received_at"', '_col" = "modality"'),
    "retention without partitions": IMAGES.replace(
        "PROPERTIES (", 'PROPERTIES (\n    "partition.retention_count" = "3",'
    ),
    "an index on a number with a point": IMAGES.replace("(`modality`) USING", "(`slice_location`) USING"),
    "a type of another database": IMAGES.replace("STRING", "JSONTEXT"),
}


@pytest.mark.parametrize("sql", REFUSED.values(), ids=REFUSED)
def test_ddl_that_doris_refuses(sql: str) -> None:
    assert sql not in {IMAGES, ACCESSES}
    with pytest.raises(DdlRefused):
        read_table(sql)


def put(url: str, rows: bytes = b"", *, password: str = PASSWORD, **headers: str) -> requests.Response:
    return requests.put(
        url,
        data=rows,
        headers={**HEADERS, **headers},
        auth=(USER.encode(), password.encode()),
        allow_redirects=False,
        timeout=10,
    )


def test_the_front_end_wants_expect_and_a_password(doris: DorisDouble) -> None:
    path = "/api/dicomhub/wado_access_log/_stream_load"
    url = f"http://127.0.0.1:{doris.frontends[0].port}{path}"
    assert put(url, Expect="").json()["msg"] == "There is no 100-continue header"
    assert put(url, password="wrong").status_code == 401
    sent_on = put(url)
    assert sent_on.status_code == 307
    assert re.match(r"http://loader:p%40ss[^@]*@127\.0\.0\.1:\d+/api/dicomhub/", sent_on.headers["Location"])


def test_the_back_end_wants_credentials_and_a_format_again(doris: DorisDouble) -> None:
    url = f"{doris.backend_url()}/api/dicomhub/wado_access_log/_stream_load"
    for refused in (
        put(url, ROWS, password="wrong"),
        put(url, ROWS, format="csv"),
        put(url, ROWS, compress_type="lzma"),
    ):
        assert refused.json()["Status"] == "Fail"
    assert doris.rows("wado_access_log") == 0
    assert put(url, ROWS).json()["Status"] == "Success"
    assert put(url, ROWS).json()["ExistingJobStatus"] == "FINISHED"
    assert doris.rows("wado_access_log") == 1
