"""PUT as Stream Load wants it: after the headers the client waits for the server to ask for the body.

Doris begins the transaction while it handles the headers, and may answer before it has read anything: that
the label exists, say. Who sends the body nevertheless writes megabytes to a connection that is being
closed, and may lose the answer to the reset. requests and urllib3 send the header `Expect: 100-continue`
and do not wait.
"""

import select
import socket
import ssl
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

# A server may leave out the interim answer, and then waits for the body. RFC 9110 10.1.1.
INTERIM_ANSWER_SECONDS = 1.0
# A back end that writes to disk takes nothing for a while.
STALL_SECONDS = 120.0
_INTERIM = b"HTTP/1.1 100"


def _await_interim_answer(sock: socket.socket) -> None:
    """Return when the body may be sent. Raises BrokenPipeError when the final answer is already there.

    urllib3 takes a broken pipe for a server that has answered and closed: it leaves the body and reads on.
    Bytes of TLS cannot be looked at without taking them: there the body is sent at once, and an early answer
    is still read if the reset does not overtake it.
    """
    if isinstance(sock, ssl.SSLSocket) or not select.select([sock], [], [], INTERIM_ANSWER_SECONDS)[0]:
        return
    if not _INTERIM.startswith(sock.recv(len(_INTERIM), socket.MSG_PEEK)) or not sock.recv(
        1, socket.MSG_PEEK
    ):
        raise BrokenPipeError("answered before the body")


class _ExpectingConnection(HTTPConnection):
    expects_interim_answer = False

    def putheader(self, header: str, *values: Any) -> None:  # type: ignore[override]
        if header.lower() == "expect":
            self.expects_interim_answer = True
        super().putheader(header, *values)

    def endheaders(self, *arguments: Any, **keywords: Any) -> None:
        super().endheaders(*arguments, **keywords)
        if self.expects_interim_answer and self.sock is not None:
            _await_interim_answer(self.sock)
            # urllib3 would hold every piece of the body to the limit of a connect.
            self.sock.settimeout(STALL_SECONDS)


class _ExpectingHttpPool(HTTPConnectionPool):
    ConnectionCls = _ExpectingConnection


class _Https(_ExpectingConnection, HTTPSConnection):
    pass


class _ExpectingHttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


class ExpectContinueAdapter(HTTPAdapter):
    """Never retries: a load must not be sent twice without its caller's knowledge."""

    def init_poolmanager(self, *arguments: Any, **keywords: Any) -> None:
        super().init_poolmanager(*arguments, **keywords)
        self.poolmanager.pool_classes_by_scheme = {"http": _ExpectingHttpPool, "https": _ExpectingHttpsPool}
