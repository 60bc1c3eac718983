"""Connections to Doris' front ends by MySQL's protocol: pooled, timed, from one front end to the next."""

import re
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pymysql
from pymysql.connections import Connection

from tasks.warehouse.doris_address import DorisAddress, FrontEnd
from tasks.warehouse.port import WarehouseUnavailable

CONNECT_SECONDS = 5
# Shorter than what a balancer in between lets a silent connection live.
IDLE_SECONDS = 30.0
_ACCESS_DENIED = 1045
_ACCESS_DENIED_CODES = frozenset({1044, _ACCESS_DENIED, 1142, 1227, 5203})
_UNKNOWN_CODES = frozenset({1049, 1051, 1146})
# Doris's own code for most of what is wrong is 1105.
_UNKNOWN = re.compile(r"unknown (database|table)|table \[.*\] does not exist", re.IGNORECASE | re.DOTALL)


Answer = tuple[tuple[str, ...], list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class _Idle:
    connection: "Connection[Any]"
    since: float


class DorisConnections:
    """Any thread may use it. A process that forks makes its own."""

    def __init__(self, address: DorisAddress) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._idle: list[_Idle] = []
        self._tls = None if address.tls == "off" else ssl.create_default_context(cafile=address.ca)

    def execute(
        self, sql: str, parameters: tuple[Any, ...] | dict[str, Any] = (), *, database: str | None = None
    ) -> Answer:
        """The columns' names and the rows. Raises WarehouseUnavailable, which quotes nothing."""
        with self._connection() as connection, connection.cursor() as cursor:
            if database is not None:
                connection.select_db(database)
            cursor.execute(sql, parameters or None)
            columns = tuple(column[0] for column in cursor.description or ())
            return columns, list(cursor.fetchall())

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for one in idle:
            one.connection.close()

    @contextmanager
    def _connection(self) -> "Iterator[Connection[Any]]":
        connection = self._take()
        try:
            yield connection
        except pymysql.MySQLError as error:
            connection._force_close()  # type: ignore[attr-defined]  # noqa: SLF001 - close() would talk to it
            raise _unavailable(error) from None
        except BaseException:
            connection.close()
            raise
        with self._lock:
            self._idle.append(_Idle(connection, time.monotonic()))

    def _take(self) -> "Connection[Any]":
        while True:
            with self._lock:
                idle = self._idle.pop() if self._idle else None
            if idle is None:
                return self._connect()
            if time.monotonic() - idle.since < IDLE_SECONDS and _is_alive(idle.connection):
                return idle.connection
            idle.connection.close()

    def _connect(self) -> "Connection[Any]":
        failure: pymysql.MySQLError | None = None
        for frontend in self._address.frontends:
            try:
                return self._connect_to(frontend)
            except pymysql.MySQLError as error:
                failure = error
                if error.args[:1] == (_ACCESS_DENIED,):
                    break
        assert failure is not None
        raise _unavailable(failure)

    def _connect_to(self, frontend: FrontEnd) -> "Connection[Any]":
        return pymysql.connect(
            host=frontend.host,
            port=self._address.query_port,
            user=self._address.user,
            password=self._address.password.encode(),  # PyMySQL would take text for Latin-1
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            read_timeout=self._address.query_seconds,
            write_timeout=self._address.query_seconds,
            ssl=self._tls,
        )


def _is_alive(connection: "Connection[Any]") -> bool:
    try:
        connection.ping(reconnect=False)
    except pymysql.MySQLError:
        return False
    return True


def _unavailable(error: pymysql.MySQLError) -> WarehouseUnavailable:
    """One sentence. Doris's own may quote the statement, and so a patient's name."""
    code, text = (*error.args, 0, "")[:2]
    if code in _ACCESS_DENIED_CODES:
        return WarehouseUnavailable("Doris refuses the user, its password or its rights")
    if code in _UNKNOWN_CODES or _UNKNOWN.search(str(text)):
        return WarehouseUnavailable(
            "Doris has no such database or table: `manage.py warehouse init` creates them"
        )
    if "certificate" in str(text).lower():
        return WarehouseUnavailable("TLS with Doris' front ends fails: see their certificate, and ca")
    if isinstance(error, pymysql.OperationalError) and 2000 <= int(code) < 3000:
        return WarehouseUnavailable(f"no front end of Doris answers (MySQL client error {code})")
    return WarehouseUnavailable(f"Doris cannot answer (error {code})")
