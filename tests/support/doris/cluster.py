"""An Apache Doris of a test's own: front ends, a back end and queries, on free ports of loopback.

No Doris runs where these tests run. This is one written from its documents and its sources (stream_load.cpp,
LoadAction.java): the two hops, the states of labels over time, the rules of its DDL and the faults of faults.py.
"""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode

from tests.support.doris.backend import BackEndHandler
from tests.support.doris.catalog import Catalog
from tests.support.doris.faults import Faults
from tests.support.doris.frontend import FrontEndHandler
from tests.support.doris.mysql import MysqlEnd
from tests.support.doris.transactions import Transactions
from tests.support.doris.web import HttpEnd

USER, PASSWORD, DATABASE = "loader", "p@ss/w0rd%:ü", "dicomhub"


class DorisDouble:
    def __init__(
        self, *, frontends: int = 1, tls: ssl.SSLContext | None = None, backend_tls: bool = True
    ) -> None:
        self.user, self.password = USER, PASSWORD
        self.unauthorized_status = 401
        self.catalog = Catalog()
        self.transactions = Transactions()
        self.faults = Faults()
        self.errors: list[str] = []
        # Early answers to clients that went on and sent rows.
        self.answered_in_vain = 0
        self.error_logs: dict[str, list[str]] = {}
        self.frontend_requests: list[dict[str, str]] = []
        self.backend_requests: list[dict[str, str]] = []
        self._has_tls, self._backend_has_tls = tls is not None, tls is not None and backend_tls
        self.frontends = [HttpEnd(FrontEndHandler, self, tls) for _ in range(frontends)]
        self.backend = HttpEnd(BackEndHandler, self, tls if backend_tls else None)
        self.mysql = MysqlEnd(
            self.catalog, self.transactions, user=self.user, password=self.password, tls=tls
        )
        self._query_port = 0

    def start(self) -> None:
        self._query_port = self.mysql.start()
        for end in (*self.frontends, self.backend):
            end.start()

    def stop(self) -> None:
        for end in (*self.frontends, self.backend):
            end.stop()
        self.mysql.stop()
        self.catalog.close()

    def url(self, *, user: str = USER, password: str = PASSWORD, **parameters: Any) -> str:
        """Its address as WAREHOUSE_URL has it."""
        first, *further = (f"127.0.0.1:{end.port}" for end in self.frontends)
        query = {"query_port": self._query_port, "replication": 1, "buckets": 1, "fe": further, **parameters}
        if self._has_tls:
            query.setdefault("tls", "on" if self._backend_has_tls else "frontends")
        credentials = f"{quote(user, safe='')}:{quote(password, safe='')}"
        return f"doris://{credentials}@{first}/{DATABASE}?{urlencode(query, doseq=True)}"

    def backend_url(self, credentials: str = "") -> str:
        scheme = "https" if self._backend_has_tls else "http"
        return f"{scheme}://{credentials}{'@' if credentials else ''}127.0.0.1:{self.backend.port}"

    def rows(self, table: str) -> int:
        self.transactions.settle()
        ((count,),) = self.catalog.select(f'SELECT count(*) FROM "{table}"')[0]
        return count


@contextmanager
def running_doris(**how: Any) -> Iterator[DorisDouble]:
    double = DorisDouble(**how)
    double.start()
    try:
        yield double
    finally:
        double.stop()
    assert not double.errors, double.errors
