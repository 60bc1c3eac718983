"""The double's back end: begins a transaction while it handles headers, reads rows, commits, answers."""

import gzip
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa

from tests.support.doris.catalog import RowsFiltered, UnknownTable
from tests.support.doris.faults import Fault
from tests.support.doris.transactions import LabelInUse, Transaction
from tests.support.doris.web import Handler

_PATH = re.compile(r"/api/(\w+)/(\w+)/_stream_load")
_TOO_MANY_VERSIONS = (
    "[E-235]tablet error: [E-235]failed to init rowset builder. version count: 2001, exceed limit: 2000, "
    "tablet: 10150. Please reduce the frequency of loading data or adjust the max_tablet_version_num in be.conf"
)
_OUT_OF_MEMORY = "[MEM_LIMIT_EXCEEDED]PreCatch error code:11, [E11] Allocator mem tracker check failed"
# How long a load goes on that has lost its client.
IN_FLIGHT_SECONDS = 0.05


class BackEndHandler(Handler):
    def do_GET(self) -> None:  # noqa: N802 - http.server's name
        parts = urlsplit(self.path)
        lines = self.context.error_logs.get(parse_qs(parts.query).get("file", [""])[0])
        if parts.path != "/api/_load_error_log" or lines is None:
            return self.answer(b"file not exist", "text/plain", status=404)
        return self.answer("\n".join(lines).encode(), "text/plain")

    def do_PUT(self) -> None:  # noqa: N802, PLR0911
        self.context.backend_requests.append(dict(self.headers.items()))
        fault = self.context.faults.of(self.headers.get("label", ""))
        if fault is Fault.EARLY_CLOSE:
            return self.drop()
        if fault is Fault.EARLY_UNAVAILABLE:
            return self.answer_html(503)
        if refusal := self._refusal():
            return self._early(refusal)
        try:
            transaction = self.context.transactions.begin(self.headers["label"])
        except LabelInUse as used:
            return self._early(str(used), "Label Already Exists", ExistingJobStatus=used.job_status)
        if fault is Fault.EARLY_TOO_MANY_VERSIONS:
            self.context.transactions.abort(transaction)
            return self._early(_TOO_MANY_VERSIONS)
        if fault is Fault.CLOSED_IN_BODY:
            self._ask_for_body()
            self.rfile.read(1)
            self.context.transactions.abort(transaction, after=IN_FLIGHT_SECONDS)
            return self.drop()
        return self._load(transaction, fault)

    def _refusal(self) -> str | None:  # noqa: PLR0911 - a header each
        """What is wrong with the headers; as stream_load.cpp looks at them, one after the other."""
        if not self.is_authorized():
            return "[INTERNAL_ERROR]no valid Basic authorization"
        compress = self.headers.get("compress_type", "")
        if self.headers.get("format") != "json" or self.headers.get("read_json_by_line") != "true":
            return "[INTERNAL_ERROR]the double reads JSON by line"
        if compress not in {"", "gz"}:
            return f"[INTERNAL_ERROR]unknown data format, compress_type={compress}"
        if ("Content-Length" in self.headers) == ("Transfer-Encoding" in self.headers):
            return "[INTERNAL_ERROR]one of Content-Length and chunked"
        match = _PATH.fullmatch(self.path)
        if match is None or match[1] != self.context.catalog.database:
            return "[ANALYSIS_ERROR]TStatus: errCode = 2, detailMessage = unknown database, database=..."
        if match[2] not in self.context.catalog.tables:
            return (
                f"[ANALYSIS_ERROR]TStatus: errCode = 2, detailMessage = unknown table, tableName={match[2]}"
            )
        self._table = match[2]
        return None

    def _load(self, transaction: Transaction, fault: Fault | None) -> None:
        transactions = self.context.transactions
        body = self._read_body()
        if body is None:
            return transactions.abort(transaction)
        if fault in {Fault.TOO_MANY_VERSIONS, Fault.OUT_OF_MEMORY}:
            transactions.abort(transaction)
            return self._answer(
                transaction, _TOO_MANY_VERSIONS if fault is Fault.TOO_MANY_VERSIONS else _OUT_OF_MEMORY
            )
        try:
            rows = self.context.catalog.read_rows(self._table, body)
        except RowsFiltered as filtered:
            transactions.abort(transaction)
            return self._answer_filtered(transaction, filtered)
        except UnknownTable:
            transactions.abort(transaction)
            return self._answer(transaction, "[ANALYSIS_ERROR]unknown table")
        commit = self._committer(self._table, rows)
        if fault is Fault.IN_FLIGHT:
            transactions.commit_later(transaction, commit, seconds=IN_FLIGHT_SECONDS)
            return self.drop()
        late = IN_FLIGHT_SECONDS if fault is Fault.PUBLISH_TIMEOUT else 0
        transactions.commit(transaction, commit, visible_after=late)
        return self._answer_committed(transaction, rows.num_rows, fault)

    def _committer(self, table: str, rows: pa.Table) -> Callable[[], None]:
        return lambda: self.context.catalog.commit(table, rows)

    def _answer_committed(  # noqa: PLR0911
        self, transaction: Transaction, rows: int, fault: Fault | None
    ) -> None:
        match fault:
            case Fault.COMMITTED_NO_ANSWER:
                return self.drop()
            case Fault.COMMITTED_TRUNCATED_ANSWER:
                return self.drop(
                    b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"TxnId": 1, "Status": "Succ'
                )
            case Fault.COMMITTED_GARBAGE:
                return self.answer(b"\xff\xfe what?", "application/json", close=True)
            case Fault.COMMITTED_BAD_GATEWAY:
                return self.answer_html(502)
            case Fault.COMMITTED_SAYS_FAIL:
                return self._answer(
                    transaction, "[THRIFT_RPC_ERROR]failed to call frontend service, address=..."
                )
            case Fault.PUBLISH_TIMEOUT:
                message = "[PUBLISH_TIMEOUT]transaction commit successfully, BUT data will be visible later"
                return self._answer(transaction, message, "Publish Timeout", rows=rows)
        return self._answer(transaction, "OK", "Success", rows=rows)

    def _answer_filtered(self, transaction: Transaction, filtered: RowsFiltered) -> None:
        name = f"__shard_0/error_log_insert_stmt_{transaction.number}"
        self.context.error_logs[name] = filtered.lines
        url = f"{self.context.backend_url()}/api/_load_error_log?file={name}"
        message = "[DATA_QUALITY_ERROR]too many filtered rows"
        self._answer(transaction, message, rows=filtered.total, filtered=len(filtered.lines), ErrorURL=url)

    def _ask_for_body(self) -> None:
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.send_response_only(100)
            self.end_headers()

    def _read_body(self) -> bytes | None:
        self._ask_for_body()
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) != length:
            return None
        return gzip.decompress(body) if self.headers.get("compress_type") == "gz" else body

    def _early(self, message: str, status: str = "Fail", **more: Any) -> None:
        """The answer before the body was read; the connection is closed on whoever sends it."""
        self.answer_json({"TxnId": -1, **self._members(status, message), **more}, close=True)
        self.close_connection = True
        # A client that has understood closes now.
        self.context.answered_in_vain += len(self.rfile.read1(1))

    def _answer(
        self,
        transaction: Transaction,
        message: str,
        status: str = "Fail",
        *,
        rows: int = 0,
        filtered: int = 0,
        **more: Any,
    ) -> None:
        counts = {
            "NumberTotalRows": rows,
            "NumberLoadedRows": 0 if status == "Fail" else rows,
            "NumberFilteredRows": filtered,
            "NumberUnselectedRows": 0,
        }
        self.answer_json({"TxnId": transaction.number, **self._members(status, message), **counts, **more})

    def _members(self, status: str, message: str) -> dict[str, Any]:
        return {
            "Label": self.headers.get("label", ""),
            "Comment": "",
            "TwoPhaseCommit": "false",
            "Status": status,
            "Message": message,
        }
