"""What answers of Stream Load mean, one by one."""

import json
from typing import Any

import pytest

from tasks.warehouse.port import LoadStatus
from tasks.warehouse.stream_load_answer import read_backend_answer, read_frontend_refusal, reason_of

ERROR_URL = "http://127.0.0.1:8040/api/_load_error_log?file=__shard_0/error_log"


def answer(status: str, message: str = "", **more: Any) -> bytes:
    return json.dumps(
        {"TxnId": 1003, "Label": "label", "Status": status, "Message": message, **more}
    ).encode()


BACK_END = {
    "success": (answer("Success", "OK"), LoadStatus.LOADED),
    "publish timeout": (answer("Publish Timeout", "[PUBLISH_TIMEOUT]..."), LoadStatus.LOADED),
    "label finished": (
        answer("Label Already Exists", ExistingJobStatus="FINISHED"),
        LoadStatus.ALREADY_THERE,
    ),
    "label running": (answer("Label Already Exists", ExistingJobStatus="RUNNING"), LoadStatus.UNKNOWN),
    "label precommitted": (
        answer("Label Already Exists", ExistingJobStatus="PRECOMMITTED"),
        LoadStatus.UNKNOWN,
    ),
    "label of no state": (answer("Label Already Exists", ExistingJobStatus=""), LoadStatus.UNKNOWN),
    "-235 in a message": (
        answer("Fail", "tablet writer write failed, tablet_id=190958, txn_id=3505530, err=-235"),
        LoadStatus.BUSY,
    ),
    "-235 as a code": (answer("Fail", "[E-235]failed to init rowset builder"), LoadStatus.BUSY),
    "too many versions": (answer("Fail", "[TOO_MANY_VERSION]tablet 1"), LoadStatus.BUSY),
    "too many transactions": (
        answer("Fail", "[ANALYSIS_ERROR]current running txns on db 1 is 1000, larger than limit 1000"),
        LoadStatus.BUSY,
    ),
    "memory": (answer("Fail", "[MEM_LIMIT_EXCEEDED]..."), LoadStatus.BUSY),
    "commit got lost": (answer("Fail", "[THRIFT_RPC_ERROR]failed to call frontend service"), LoadStatus.BUSY),
    "bad rows": (
        answer("Fail", "[DATA_QUALITY_ERROR]too many filtered rows", ErrorURL=ERROR_URL),
        LoadStatus.REJECTED,
    ),
    "bad rows of some version": (
        answer("Fail", "[CANCELLED][END_OF_FILE]Encountered unqualified data, stop processing"),
        LoadStatus.REJECTED,
    ),
    "no credentials": (
        answer("Fail", "[INTERNAL_ERROR]no valid Basic authorization"),
        LoadStatus.MISCONFIGURED,
    ),
    "no rights": (
        answer("Fail", "errCode = 2, detailMessage = Access denied; you need (at least one of) the (LOAD)"),
        LoadStatus.MISCONFIGURED,
    ),
    "no table": (answer("Fail", "[ANALYSIS_ERROR]unknown table, tableName=x"), LoadStatus.MISCONFIGURED),
    "no database": (answer("Fail", "[ANALYSIS_ERROR]unknown databases, dbName=x"), LoadStatus.MISCONFIGURED),
    "html": (b"<html><h1>502 Bad Gateway</h1></html>", LoadStatus.UNKNOWN),
    "nothing": (b"", LoadStatus.UNKNOWN),
    "half": (answer("Success")[:20], LoadStatus.UNKNOWN),
    "no object": (b"[1, 2]", LoadStatus.UNKNOWN),
    "a status of a later version": (answer("Queued"), LoadStatus.UNKNOWN),
    "bytes": (b"\xff\xfe\x00", LoadStatus.UNKNOWN),
}
FRONT_END = {
    "unauthorized in the body": (
        200,
        {"msg": "Unauthorized", "code": 401, "data": "Access denied"},
        "MISCONFIGURED",
    ),
    "unauthorized": (401, {}, "MISCONFIGURED"),
    "no rights": (
        200,
        {"status": "FAILED", "msg": "Access denied; you need the LOAD privilege"},
        "MISCONFIGURED",
    ),
    "no database": (200, {"status": "FAILED", "msg": "unknown databases, dbName=x"}, "MISCONFIGURED"),
    "no expect": (200, {"status": "FAILED", "msg": "There is no 100-continue header"}, "MISCONFIGURED"),
    "no Doris": (404, {}, "MISCONFIGURED"),
    "no back end": (200, {"status": "FAILED", "msg": "No available backends"}, "BUSY"),
    "broken": (500, {"msg": "Internal Error", "code": 500}, "BUSY"),
    "something else": (200, {}, "BUSY"),
}


@pytest.mark.parametrize(("body", "status"), BACK_END.values(), ids=BACK_END)
def test_an_answer_of_a_back_end(body: bytes, status: LoadStatus) -> None:
    read = read_backend_answer(200, body)
    assert read.outcome.status is status
    assert "\n" not in read.outcome.detail
    if not read.outcome.is_in:
        assert read.outcome.detail
    assert read.error_url == (ERROR_URL if b"ErrorURL" in body else None)


@pytest.mark.parametrize(("code", "body", "status"), FRONT_END.values(), ids=FRONT_END)
def test_a_front_end_that_does_not_send_on(code: int, body: dict[str, Any], status: str) -> None:
    refusal = read_frontend_refusal(code, json.dumps(body).encode())
    assert refusal.status is LoadStatus[status]
    assert refusal.detail


def test_a_back_end_that_says_401_without_json() -> None:
    assert read_backend_answer(401, b"").outcome.status is LoadStatus.MISCONFIGURED


def test_a_reason_quotes_nothing_of_a_row() -> None:
    for log in (
        "Reason: column_name[tenant], null value for not null column, type=VARCHAR. src line [Doe^John]; ",
        "Reason: the length of input is too long than schema. column_name: x; input str: Doe^John schema length: 3",
        "Reason: column(x) values is incorrect while strict mode is true, src value is Doe^John",
        "Reason: [INVALID_ARGUMENT]parse number fail, string: 'Doe^John'",
    ):
        reason = reason_of(log)
        assert "Doe" not in reason
        assert reason.startswith("Reason: ")
        assert len(reason) > 20
