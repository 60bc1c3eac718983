"""Stream Load, Doris's way to put many rows into a table at once, all or none, by HTTP.

A load takes two hops. A front end is asked with the headers alone and sends the client on (307) to a back
end; its Location holds user and password, which are taken off. The back end gets the headers again, and the
rows. The label makes it safe to ask again: Doris loads a label once, and knows it for three days.
"""

import gzip
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.auth import HTTPBasicAuth
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError

from tasks.warehouse.doris_address import DorisAddress, FrontEnd
from tasks.warehouse.expect_continue import ExpectContinueAdapter
from tasks.warehouse.port import LoadOutcome, LoadStatus
from tasks.warehouse.stream_load_answer import read_backend_answer, read_frontend_refusal, reason_of

CONNECT_SECONDS = 5.0
FRONTEND_SECONDS = 30.0
REASON_SECONDS = 10.0
# Doris ends a load that takes too long by itself, and says so; it gets the time for that.
GRACE_SECONDS = 60.0
ANSWER_MAX_BYTES = 1024 * 1024
REASON_MAX_BYTES = 4096
GZIP_LEVEL = 1

_LABEL = re.compile(r"[-_A-Za-z0-9:]{1,128}")
_FAILURES = (requests.RequestException, HTTPError, OSError)


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes
    location: str | None


class StreamLoad:
    """Keeps no connection: it may be used by any thread, and after a fork."""

    def __init__(self, address: DorisAddress) -> None:
        self._address = address
        self._preferred = 0

    def load(self, table: str, label: str, rows: bytes) -> LoadOutcome:
        """Load rows (NDJSON) under a label. Raises ValueError for what is not a label, and nothing else."""
        if not _LABEL.fullmatch(label):
            raise ValueError(f"{label!r} is not a label")
        path = f"/api/{self._address.database}/{table}/_stream_load"
        with self._session(label) as session:
            backend = self._find_backend(session, path)
            if isinstance(backend, LoadOutcome):
                return backend
            return self._send(
                session, backend, gzip.compress(rows, GZIP_LEVEL) if self._address.gzip else rows
            )

    def _session(self, label: str) -> requests.Session:
        session = self._plain_session()
        session.auth = HTTPBasicAuth(self._address.user.encode(), self._address.password.encode())
        session.headers.update(self._headers(label))
        for scheme in ("http://", "https://"):
            session.mount(scheme, ExpectContinueAdapter())
        return session

    def _plain_session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False  # no proxy, no .netrc
        session.verify = str(self._address.ca) if self._address.ca else True
        return session

    def _headers(self, label: str) -> Mapping[str, str]:
        headers = {
            "Expect": "100-continue",
            "Accept-Encoding": "identity",
            "Connection": "close",
            "label": label,
            "format": "json",
            "read_json_by_line": "true",
            "strict_mode": "true",
            "max_filter_ratio": "0",
            "timezone": "UTC",
            "timeout": str(self._address.load_seconds),
        }
        return {**headers, "compress_type": "gz"} if self._address.gzip else headers

    def _find_backend(self, session: requests.Session, path: str) -> str | LoadOutcome:
        """The address to send the rows to, or why there is none: then nothing has begun anywhere."""
        frontends = self._address.frontends
        refusal = LoadOutcome(LoadStatus.BUSY)
        for number in range(len(frontends)):
            index = (self._preferred + number) % len(frontends)
            found = self._ask_frontend(session, frontends[index], path)
            if isinstance(found, str):
                self._preferred = index
                return found
            refusal = found
            if refusal.status is LoadStatus.MISCONFIGURED:
                break
        return refusal

    def _ask_frontend(self, session: requests.Session, frontend: FrontEnd, path: str) -> str | LoadOutcome:
        scheme = "http" if self._address.tls == "off" else "https"
        try:
            answer = _put(session, f"{scheme}://{frontend}{path}", b"", FRONTEND_SECONDS)
        except requests.exceptions.SSLError:
            return _untrusted(f"front end {frontend}")
        except _FAILURES:
            return LoadOutcome(LoadStatus.BUSY, f"front end {frontend} does not answer")
        if answer.location is None:
            return read_frontend_refusal(answer.status, answer.body)
        return self._backend_of(answer.location)

    def _backend_of(self, location: str) -> str | LoadOutcome:
        try:
            parts = urlsplit(location)
            host, port = parts.hostname, parts.port
        except ValueError:
            host = port = None
        if host is None or port is None:
            return LoadOutcome(LoadStatus.BUSY, "a front end sends the client on to no address")
        if self._address.tls == "on" and parts.scheme != "https":
            return LoadOutcome(
                LoadStatus.MISCONFIGURED,
                f"front ends send loads on to {host}:{port} without TLS; tls=frontends would allow it",
            )
        host = f"[{host}]" if ":" in host else host
        return urlunsplit((parts.scheme, f"{host}:{port}", parts.path, parts.query, ""))

    def _send(self, session: requests.Session, url: str, body: bytes) -> LoadOutcome:
        backend = f"back end {urlsplit(url).netloc}"
        try:
            answer = _put(session, url, body, self._address.load_seconds + GRACE_SECONDS)
        except requests.exceptions.SSLError:
            return _untrusted(backend)
        except requests.ConnectionError as error:
            if _has_sent_nothing(error):
                return LoadOutcome(LoadStatus.BUSY, f"{backend} cannot be reached")
            return LoadOutcome(LoadStatus.UNKNOWN, f"{backend} closed the connection without an answer")
        except _FAILURES:
            return LoadOutcome(LoadStatus.UNKNOWN, f"{backend} did not give a whole answer in time")
        read = read_backend_answer(answer.status, answer.body)
        if read.error_url is None:
            return read.outcome
        return LoadOutcome(read.outcome.status, self._reason(read.error_url) or read.outcome.detail)

    def _reason(self, url: str) -> str:
        """What is wrong with the first bad row; "" when the back end does not tell."""
        if self._address.tls == "on" and not url.startswith("https://"):
            return ""
        try:
            with (
                self._plain_session() as session,
                session.get(url, timeout=REASON_SECONDS, stream=True) as response,
            ):
                return reason_of(response.raw.read(REASON_MAX_BYTES).decode("utf-8", "replace"))
        except _FAILURES:
            return ""


def _put(session: requests.Session, url: str, body: bytes, seconds: float) -> _Answer:
    """Raises what is in _FAILURES."""
    # A file is sent piece by piece, so that a limit of time is one of standing still.
    data = io.BytesIO(body) if body else b""
    timeout = (CONNECT_SECONDS, seconds)
    with session.put(url, data=data, timeout=timeout, stream=True, allow_redirects=False) as response:
        location = response.headers.get("Location") if response.is_redirect else None
        return _Answer(response.status_code, response.raw.read(ANSWER_MAX_BYTES), location)


def _has_sent_nothing(error: requests.ConnectionError) -> bool:
    cause = error.args[0] if error.args else None
    return isinstance(error, requests.ConnectTimeout) or (
        isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)
    )


def _untrusted(name: str) -> LoadOutcome:
    return LoadOutcome(LoadStatus.MISCONFIGURED, f"TLS with the {name} fails: see its certificate, and ca")
