"""The double's MySQL protocol: a session runs Doris's statements on the catalog."""

import asyncio
import re
import ssl
import threading
from typing import Any

import duckdb
from mysql_mimic import IdentityProvider, MysqlServer, NativePasswordAuthPlugin, Session, User
from mysql_mimic.errors import ErrorCode, MysqlError

from tests.support.doris.catalog import Catalog, UnknownTable
from tests.support.doris.definition import DdlRefused
from tests.support.doris.dialect import in_duckdb
from tests.support.doris.transactions import Transactions

_CREATE_DATABASE = re.compile(r"CREATE DATABASE IF NOT EXISTS `(\w+)`")
_DROP_DATABASE = re.compile(r"DROP DATABASE IF EXISTS `(\w+)` FORCE")
_TABLETS = re.compile(r"SHOW TABLETS FROM `(\w+)`")
_ADD_COLUMN = re.compile(r"ALTER TABLE `(\w+)` ADD COLUMN (.*)", re.DOTALL)
_COMMENT = re.compile(r"ALTER TABLE `(\w+)` MODIFY COMMENT '(.*)'")
_RETENTION = re.compile(r'ALTER TABLE `(\w+)` SET \("partition\.retention_count" = "([1-9]\d*)"\)')


class _Users(IdentityProvider):
    def __init__(self, user: str, password: str) -> None:
        self._user, self._password = user, NativePasswordAuthPlugin.create_auth_string(password)

    async def get_user(self, username: str) -> User:
        """Whoever it is: Doris does not tell an unknown user from a wrong password."""
        password = self._password if username == self._user else "0" * len(self._password)
        return User(name=username, auth_string=password, auth_plugin=NativePasswordAuthPlugin.name)


class _DorisSession(Session):
    def __init__(self, catalog: Catalog, transactions: Transactions, statements: list[str]) -> None:
        super().__init__()
        self._catalog, self._transactions, self._statements = catalog, transactions, statements

    async def use(self, database: str) -> None:
        if database != self._catalog.database:
            raise _error(f"Unknown database '{database}'")
        await super().use(database)

    async def handle_query(self, sql: str, attrs: dict[str, str]) -> Any:
        statement = sql.strip()
        if statement.upper().startswith("SET "):
            return await super().handle_query(sql, attrs)
        self._statements.append(statement)
        try:
            return self._run(statement)
        except (DdlRefused, UnknownTable) as error:
            raise _error(str(error)) from None
        except duckdb.CatalogException as error:
            raise _error(f"Table [{error}] does not exist in database [{self.database}].") from None
        except Exception as error:  # noqa: BLE001 - a server answers whatever happens
            raise _error(repr(error)) from None

    def _run(self, sql: str) -> Any:  # noqa: PLR0911 - a statement each
        self._transactions.settle()
        if match := _CREATE_DATABASE.fullmatch(sql):
            return self._catalog.create_database(match[1])
        if match := _DROP_DATABASE.fullmatch(sql):
            self._transactions.forget_labels()
            return self._catalog.drop_database(match[1])
        if sql.startswith("CREATE TABLE"):
            return self._catalog.create_table(sql)
        if match := _ADD_COLUMN.fullmatch(sql):
            return self._catalog.add_column(match[1], match[2])
        if match := _COMMENT.fullmatch(sql):
            return self._catalog.comment(match[1], match[2])
        if match := _RETENTION.fullmatch(sql):
            return self._catalog.set_property(match[1], "partition.retention_count", match[2])
        if match := _TABLETS.fullmatch(sql):
            names = ["TabletId", "ReplicaId", "BackendId", "LocalDataSize", "RowCount", "VersionCount"]
            return self._catalog.tablets(match[1]), names
        if not sql.startswith("SELECT"):
            raise DdlRefused(f"mismatched input {sql[:40]!r}")
        return self._catalog.select(in_duckdb(sql))


def _error(message: str) -> MysqlError:
    return MysqlError(f"errCode = 2, detailMessage = {message}", code=ErrorCode.UNKNOWN_ERROR)


class _Loop(asyncio.SelectorEventLoop):
    async def start_tls(
        self, transport: Any, protocol: Any, sslcontext: ssl.SSLContext, **options: Any
    ) -> Any:
        """Pythons of our time lose what a client sends right behind its wish for TLS: its first words of TLS."""
        buffer = protocol._stream_reader._buffer
        behind = bytes(buffer)
        buffer.clear()

        def feed() -> None:
            into = transport.get_protocol()
            into.get_buffer(len(behind))[: len(behind)] = behind
            into.buffer_updated(len(behind))

        if behind:
            # Two steps, so that it comes after what super() is about to schedule.
            self.call_soon(lambda: self.call_soon(feed))
        return await super().start_tls(transport, protocol, sslcontext, **options)


class MysqlEnd:
    """Serves in a thread of its own, from start to stop."""

    def __init__(
        self,
        catalog: Catalog,
        transactions: Transactions,
        *,
        user: str,
        password: str,
        tls: ssl.SSLContext | None,
    ) -> None:
        self.statements: list[str] = []
        self._loop = _Loop()
        # Connections that are cancelled at the end complain, and nobody asks them.
        self._loop.set_exception_handler(lambda _loop, _context: None)
        self.connections = 0
        self._new_session = lambda: _DorisSession(catalog, transactions, self.statements)
        self._server = MysqlServer(
            session_factory=self._open_session,
            identity_provider=_Users(user, password),
            ssl=tls,
        )
        self._thread = threading.Thread(target=self._loop.run_forever, name="doris-mysql")

    def start(self) -> int:
        """The port."""
        self._thread.start()
        self._run(self._server.start_server(host="127.0.0.1", port=0))
        port: int = self._server.sockets()[0].getsockname()[1]
        return port

    def break_connections(self) -> None:
        self._run(self._cancel_connections())

    def stop(self) -> None:
        self._server.close()
        self._run(self._cancel_connections())
        self._run(self._loop.shutdown_asyncgens())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _cancel_connections(self) -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _open_session(self) -> _DorisSession:
        self.connections += 1
        return self._new_session()

    def _run(self, coroutine: Any) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)
