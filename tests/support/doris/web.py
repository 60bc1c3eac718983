"""What the double's two HTTP ends share: a server in a thread, Basic authentication, answers."""

import base64
import json
import socket
import ssl
import threading
import traceback
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class HttpEnd:
    """Serves with handlers of one class, from start to stop."""

    def __init__(
        self, handler: type[BaseHTTPRequestHandler], context: Any, tls: ssl.SSLContext | None
    ) -> None:
        self._server = _Server(("127.0.0.1", 0), handler, context, tls)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self.port: int = self._server.server_address[1]

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(
        self, address: tuple[str, int], handler: Any, context: Any, tls: ssl.SSLContext | None
    ) -> None:
        self.context, self._tls = context, tls
        super().__init__(address, handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        try:
            if self._tls is not None:
                request.settimeout(10)
                request = self._tls.wrap_socket(request, server_side=True)
            super().finish_request(request, client_address)
            if self._tls is not None:
                request.close()
        except OSError:
            pass  # a client that has gone, or does not trust the certificate

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        self.context.errors.append(traceback.format_exc())


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    context: Any

    def setup(self) -> None:
        super().setup()
        self.context = self.server.context

    def handle_expect_100(self) -> bool:
        """Neither end asks for the body before it has looked at the headers."""
        return True

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
        pass

    def is_authorized(self) -> bool:
        expected = f"{self.context.user}:{self.context.password}".encode()
        scheme, _, credentials = self.headers.get("Authorization", "").partition(" ")
        try:
            return scheme == "Basic" and base64.b64decode(credentials, validate=True) == expected
        except ValueError:
            return False

    def answer_json(self, answer: Mapping[str, Any], *, status: int = 200, close: bool = False) -> None:
        self.answer(
            json.dumps(answer, indent=4).encode() + b"\n", "application/json", status=status, close=close
        )

    def answer_html(self, status: int) -> None:
        page = f"<html><head><title>{status}</title></head><body><h1>nginx</h1></body></html>"
        self.answer(page.encode(), "text/html", status=status, close=True)

    def answer(self, body: bytes, content_type: str, *, status: int = 200, close: bool = False) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if close:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def drop(self, *raw: bytes) -> None:
        """Send these bytes, if any, and close."""
        for data in raw:
            self.wfile.write(data)
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)
