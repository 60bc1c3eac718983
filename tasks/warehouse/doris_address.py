"""WAREHOUSE_URL of an Apache Doris: doris://user:password@fe1:8030/database?fe=fe2:8030&query_port=9030&...

| parameter | default | meaning |
|---|---|---|
| fe | - | another front end, host or host:port; as often as there are |
| query_port | 9030 | of MySQL's protocol, on every front end |
| tls | off | on: HTTPS to front ends and back ends, and TLS for queries; frontends: not to back ends |
| ca | the system's | a PEM file of the authority that signed the certificates |
| timeout | 600 | seconds that a load may take; a query may take a tenth of it |
| replication | 3 | replicas of every tablet of a new table |
| buckets | 8 | of every partition of a new table |
| gzip | on | off: send rows as they are, to a Doris before 3.0.5 or over a fast network |
"""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast, get_args
from urllib.parse import parse_qsl, unquote, urlsplit

Tls = Literal["off", "on", "frontends"]

_NAMES = frozenset(("fe", "query_port", "tls", "ca", "timeout", "replication", "buckets", "gzip"))


class DorisAddressInvalid(ValueError):
    """The message names what is wrong and holds neither user nor password."""


@dataclass(frozen=True, slots=True)
class FrontEnd:
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DorisAddress:
    user: str = field(repr=False)
    password: str = field(repr=False)
    frontends: tuple[FrontEnd, ...]
    database: str
    query_port: int = 9030
    tls: Tls = "off"
    ca: Path | None = None
    load_seconds: int = 600
    replication: int = 3
    buckets: int = 8
    gzip: bool = True

    @property
    def query_seconds(self) -> int:
        return max(1, self.load_seconds // 10)


def read_doris_address(url: str) -> DorisAddress:
    """Raises DorisAddressInvalid."""
    try:
        return _read(url)
    except DorisAddressInvalid:
        raise
    except ValueError:
        # urllib's own message may quote the address.
        raise DorisAddressInvalid("it is no doris:// address: a port or the query cannot be read") from None


def _read(url: str) -> DorisAddress:
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    values = dict(pairs)
    if not _NAMES.issuperset(values):  # a password with ? in it gets here too, so they are not quoted
        raise DorisAddressInvalid(f"the parameters of a doris:// address are {', '.join(sorted(_NAMES))}")
    database = parts.path.strip("/")
    if not parts.hostname or not parts.username or not database.isidentifier():
        raise DorisAddressInvalid("a doris:// address is doris://user:password@host:8030/database")
    further = (_frontend(value) for name, value in pairs if name == "fe")
    tls = values.get("tls", "off")
    if tls not in get_args(Tls):
        raise DorisAddressInvalid("tls must be off, on or frontends")
    return DorisAddress(
        user=unquote(parts.username),
        password=unquote(parts.password or ""),
        frontends=(FrontEnd(parts.hostname, parts.port or 8030), *further),
        database=database,
        query_port=_number(values, "query_port", 9030, most=65535),
        tls=cast("Tls", tls),
        ca=_certificates(values["ca"]) if "ca" in values else None,
        load_seconds=_number(values, "timeout", 600, most=259_200),
        replication=_number(values, "replication", 3, most=100),
        buckets=_number(values, "buckets", 8, most=1024),
        gzip=_flag(values, "gzip"),
    )


def _frontend(text: str) -> FrontEnd:
    parts = urlsplit(f"//{text}")
    if not parts.hostname or parts.username:
        raise DorisAddressInvalid("fe must be host or host:port")
    return FrontEnd(parts.hostname, parts.port or 8030)


def _certificates(name: str) -> Path:
    path = Path(name)
    try:
        ssl.create_default_context(cafile=path)
    except OSError:
        raise DorisAddressInvalid("ca must name a readable PEM file of certificates") from None
    return path


def _number(values: dict[str, str], name: str, default: int, *, most: int) -> int:
    text = values.get(name, str(default))
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise DorisAddressInvalid(f"{name} must be a number from 1 to {most}")
    return int(text)


def _flag(values: dict[str, str], name: str) -> bool:
    text = values.get(name, "on")
    if text not in {"on", "off"}:
        raise DorisAddressInvalid(f"{name} must be on or off")
    return text == "on"
