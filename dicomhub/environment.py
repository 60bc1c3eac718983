"""Settings from the environment: the only reader of os.environ.

Every name that is missing or bad is reported at once. A file of NAME=value lines may stand behind the
environment (DICOMHUB_SETTINGS_FILE): the environment wins, and a process that is told to reload reads the
file again.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, TypeVar, cast, get_args
from urllib.parse import urlsplit

Durability = Literal["power", "process"]
LogFormat = Literal["console", "json"]
T = TypeVar("T")

_LONGEST_INSTANCE_SECONDS = 2700.0
_NO_MATCH_STATUSES: Mapping[str, Literal[200, 204]] = {"200": 200, "204": 204}
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+")
ANY_ORIGIN = "*"
# Made with one half of a key pair and checked with the other: what checks a token cannot make one.
_USUAL_SIGNATURES = ("RS256", "PS256", "ES256")
_SIGNATURES = (*_USUAL_SIGNATURES, "RS384", "RS512", "PS384", "PS512", "ES384", "ES512", "EdDSA")
_AE_TITLE = re.compile(r"[\x20-\x5b\x5d-\x7e]{1,16}")


class EnvironmentInvalid(Exception):
    """One or more settings are missing or bad; problems has a sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """PEM files. Without key the certificate's file holds it; client_ca signs what clients must have."""

    port: int
    certificate: Path
    key: Path | None
    client_ca: Path | None


@dataclass(frozen=True, slots=True)
class ScpSettings:
    ae_title: str
    host: str
    port: int
    min_spare_children: int
    max_spare_children: int
    max_children: int
    max_pdu_bytes: int
    artim_seconds: float
    idle_seconds: float
    stall_seconds: float
    drain_seconds: float
    heartbeat_seconds: float
    accept_unknown_sop_classes: bool
    tls: TlsSettings | None


@dataclass(frozen=True, slots=True)
class IntakeSettings:
    durability: Durability
    disk_reserve_bytes: int
    batch_max_instances: int
    batch_max_seconds: float
    republish_seconds: float
    quarantine_max_bytes: int


@dataclass(frozen=True, slots=True)
class WebSettings:
    host: str
    port: int
    processes: int
    threads: int
    secret_key: str | None
    allowed_hosts: tuple[str, ...]
    debug: bool
    is_open: bool
    public_url: str | None
    is_behind_tls_proxy: bool
    hsts_seconds: int
    cors_origins: tuple[str, ...]
    is_cors_with_credentials: bool
    stall_seconds: float
    min_bytes_per_second: int
    retrieves_per_client: int
    proxies: tuple[str, ...]
    accel_prefix: str | None
    metrics_token: str | None
    qido_no_match_status: Literal[200, 204]
    qido_max_results: int
    qido_max_series: int
    qido_max_uids: int
    qido_max_seconds: float


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """A provider of OAuth 2.0 access tokens; docs/dicomweb/access.md has the rest."""

    issuer: str
    audience: str
    jwks_url: str | None
    algorithms: tuple[str, ...]
    leeway_seconds: float
    scope_prefix: str
    tenant_claim: str
    without_tenant: Literal["none", "default"]
    name_claim: str


@dataclass(frozen=True, slots=True)
class AuthSettings:
    """Whether callers of DICOMweb have to say who they are; without oidc by API tokens and sessions alone."""

    is_on: bool
    oidc: OidcSettings | None


@dataclass(frozen=True, slots=True)
class StowSettings:
    """max_requests are those that one gunicorn worker serves at a time; the others are bounds of one request.

    In stall_seconds some of a body must come.
    """

    max_requests: int
    max_bytes: int
    max_instances: int
    metadata_max_bytes: int
    stall_seconds: float


@dataclass(frozen=True, slots=True)
class WarehouseSettings:
    """url: parquet:///folder or doris://user:password@frontend:8030/database; docs/warehouse.md has the rest.

    memory_bytes and threads bound what a process spends on a query of Parquet files; a month of a log is
    dropped once log_retention_months have begun since its own.
    """

    url: str
    spool: Path
    load_max_rows: int
    load_max_bytes: int
    load_max_seconds: float
    memory_bytes: int
    threads: int
    log_retention_months: int


@dataclass(frozen=True, slots=True)
class CodecSettings:
    """The pool of codec processes that each worker and each web process may have.

    An order may take seconds, and seconds_per_mib for each MiB that is decoded. memory_bytes bounds what a
    codec process allocates; a file that it maps to read does not count. modules hold further decoders.
    """

    processes: int
    seconds: float
    seconds_per_mib: float
    memory_bytes: int
    orders_per_process: int
    modules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Environment:
    home: Path
    store_root: Path
    database_url: str
    redis_url: str | None
    flower_port: int
    log_format: LogFormat
    log_level: str
    batch_retention_days: int
    transcode_log_retention_days: int
    deleted_retention_days: int
    transcode_run_seconds: float
    scp: ScpSettings
    intake: IntakeSettings
    web: WebSettings
    auth: AuthSettings
    stow: StowSettings
    warehouse: WarehouseSettings
    codec: CodecSettings

    @property
    def embedded_redis_url_file(self) -> Path:
        """Where an embedded run leaves the address of the Redis that it started."""
        return self.home / "run" / "redis.url"

    @property
    def retrieves_file(self) -> Path:
        """Where this host's web processes count what each client is being sent."""
        return self.home / "run" / "retrieves.lock"

    @property
    def scp_metrics_file(self) -> Path:
        """Where the SCP of this host writes its metrics, for node_exporter and the web side."""
        return self.home / "run" / "scp.prom"

    def broker_url(self) -> str:
        """Return the Redis to talk to: REDIS_URL, else the one an embedded run has started.

        Raises EnvironmentInvalid when there is neither.
        """
        if self.redis_url is not None:
            return self.redis_url
        try:
            return self.embedded_redis_url_file.read_text("ascii").strip()
        except OSError:
            raise EnvironmentInvalid(
                [f"REDIS_URL is not set, and no embedded run has left one in {self.embedded_redis_url_file}"]
            ) from None


class _Reader:
    """Reads values one by one and gathers what is wrong with them."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.problems: list[str] = []

    def _read(self, name: str, default: T, parse: Callable[[str], T]) -> T:
        text = self._values.get(name, "")
        if not text:
            return default
        try:
            return parse(text)
        except ValueError as error:
            # An address may hold a password, and this goes to a terminal and to logs.
            shown = f"{text.partition('://')[0]}://..." if "URL" in name else repr(text)
            self.problems.append(f"{name}={shown}: {error}")
            return default

    def text(self, name: str, default: str) -> str:
        return self._read(name, default, str)

    def optional(self, name: str) -> str | None:
        return self._read(name, None, str)

    def path(self, name: str, default: Path) -> Path:
        return self._read(name, default, lambda text: Path(text).expanduser()).absolute()

    def optional_path(self, name: str) -> Path | None:
        return self._read(name, None, lambda text: Path(text).expanduser().absolute())

    def integer(self, name: str, default: int, *, least: int = 0, most: int = 2**63) -> int:
        def parse(text: str) -> int:
            number = int(text)
            if not least <= number <= most:
                raise ValueError(f"must be from {least} to {most}")
            return number

        return self._read(name, default, parse)

    def port(self, name: str, default: int) -> int:
        return self.integer(name, default, least=0, most=65535)

    def seconds(self, name: str, default: float, *, most: float = float("inf")) -> float:
        def parse(text: str) -> float:
            number = float(text)
            if not 0 < number < float("inf"):
                raise ValueError("must be a number of seconds above 0")
            if number > most:
                raise ValueError(f"must be at most {most:g} seconds")
            return number

        return self._read(name, default, parse)

    def number(self, name: str, default: float, *, least: float, most: float) -> float:
        def parse(text: str) -> float:
            number = float(text)
            if not least <= number <= most:
                raise ValueError(f"must be from {least:g} to {most:g}")
            return number

        return self._read(name, default, parse)

    def flag(self, name: str, *, default: bool) -> bool:
        def parse(text: str) -> bool:
            if text.lower() in {"1", "true", "yes", "on"}:
                return True
            if text.lower() in {"0", "false", "no", "off"}:
                return False
            raise ValueError("must be on or off")

        return self._read(name, default, parse)

    def choice(self, name: str, default: T, choices: tuple[T, ...]) -> T:
        def parse(text: str) -> T:
            if text not in choices:
                raise ValueError(f"must be one of {', '.join(map(str, choices))}")
            return cast("T", text)

        return self._read(name, default, parse)

    def several(self, name: str, default: tuple[str, ...], choices: tuple[str, ...]) -> tuple[str, ...]:
        def parse(text: str) -> tuple[str, ...]:
            values = tuple(each.strip() for each in text.split(",") if each.strip())
            if not values or not set(values) <= set(choices):
                raise ValueError(f"must be of {', '.join(choices)}, with commas between them")
            return values

        return self._read(name, default, parse)

    def ae_title(self, name: str, default: str) -> str:
        def parse(text: str) -> str:
            if not _AE_TITLE.fullmatch(text) or not text.strip():
                raise ValueError("must be 1 to 16 characters, no backslash, not all spaces (PS3.5 6.2)")
            return text.strip()

        return self._read(name, default, parse)

    def modules(self, name: str) -> tuple[str, ...]:
        def parse(text: str) -> tuple[str, ...]:
            names = tuple(each.strip() for each in text.split(",") if each.strip())
            if not all(part.isidentifier() for each in names for part in each.split(".")):
                raise ValueError("must be names of Python modules, with commas between them")
            return names

        return self._read(name, (), parse)

    def origins(self, name: str) -> tuple[str, ...]:
        def parse(text: str) -> tuple[str, ...]:
            origins = tuple(each.strip() for each in text.split(",") if each.strip())
            if ANY_ORIGIN in origins and len(origins) > 1:
                raise ValueError("* stands alone")
            if not all(origin == ANY_ORIGIN or _ORIGIN.fullmatch(origin) for origin in origins):
                raise ValueError(
                    "must be scheme://host[:port] without a path, with commas between them, or *"
                )
            return origins

        return self._read(name, (), parse)

    def addresses(self, name: str) -> tuple[str, ...]:
        def parse(text: str) -> tuple[str, ...]:
            return tuple(str(ip_address(each.strip())) for each in text.split(",") if each.strip())

        return self._read(name, (), parse)

    def url_path(self, name: str) -> str | None:
        def parse(text: str) -> str:
            if not re.fullmatch(r"/[A-Za-z0-9_./-]+", text):
                raise ValueError("must be the path of a location, as /archive")
            return text.rstrip("/")

        return self._read(name, None, parse)

    def url(self, name: str, default: T, schemes: tuple[str, ...]) -> str | T:
        def parse(text: str) -> str | T:
            if urlsplit(text).scheme not in schemes:
                raise ValueError(f"must start with {' or '.join(f'{scheme}://' for scheme in schemes)}")
            return text

        return self._read(name, cast("str | T", default), parse)

    def secure_url(self, name: str) -> str | None:
        """Of what must not be changed on its way here: http:// is for this machine alone."""

        def parse(text: str) -> str:
            parts = urlsplit(text)
            is_safe = parts.scheme == "https" or (
                parts.scheme == "http" and is_loopback(parts.hostname or "")
            )
            if not is_safe or not parts.hostname:
                raise ValueError("must start with https://, or with http:// and name this machine")
            return text

        return self._read(name, None, parse)


def _file_values(path: str) -> dict[str, str]:
    try:
        lines = Path(path).read_text("utf-8").splitlines()
    except OSError as error:
        raise EnvironmentInvalid([f"DICOMHUB_SETTINGS_FILE={path!r}: {error.strerror}"]) from None
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.lstrip().startswith("#"))
    return {name.strip(): value.strip() for name, value in pairs}


def _scp(read: _Reader) -> ScpSettings:
    settings = ScpSettings(
        ae_title=read.ae_title("SCP_AE_TITLE", "DICOMHUB"),
        host=read.text("SCP_HOST", "127.0.0.1"),
        port=read.port("SCP_PORT", 11112),
        min_spare_children=read.integer("SCP_MIN_SPARE_CHILDREN", 2, least=1, most=1000),
        max_spare_children=read.integer("SCP_MAX_SPARE_CHILDREN", 8, least=1, most=1000),
        max_children=read.integer("SCP_MAX_CHILDREN", 100, least=1, most=4000),
        max_pdu_bytes=read.integer("SCP_MAX_PDU_BYTES", 131072, least=4096, most=4 * 1024 * 1024),
        artim_seconds=read.seconds("SCP_ARTIM_SECONDS", 30),
        idle_seconds=read.seconds("SCP_IDLE_SECONDS", 600),
        stall_seconds=read.seconds("SCP_STALL_SECONDS", 60),
        drain_seconds=read.seconds("SCP_DRAIN_SECONDS", 30),
        heartbeat_seconds=read.seconds("SCP_HEARTBEAT_SECONDS", 60),
        accept_unknown_sop_classes=read.flag("SCP_ACCEPT_UNKNOWN_SOP_CLASSES", default=False),
        tls=_tls(read),
    )
    if not settings.min_spare_children <= settings.max_spare_children <= settings.max_children:
        read.problems.append(
            "SCP_MIN_SPARE_CHILDREN <= SCP_MAX_SPARE_CHILDREN <= SCP_MAX_CHILDREN does not hold: "
            f"{settings.min_spare_children}, {settings.max_spare_children}, {settings.max_children}"
        )
    return settings


def _tls(read: _Reader) -> TlsSettings | None:
    port = read.port("SCP_TLS_PORT", 2762)
    certificate = read.optional_path("SCP_TLS_CERTIFICATE")
    key, client_ca = read.optional_path("SCP_TLS_KEY"), read.optional_path("SCP_TLS_CLIENT_CA")
    if certificate is None:
        # Whoever sets one of these wants TLS, and would otherwise not notice that there is none.
        for name, path in (("SCP_TLS_KEY", key), ("SCP_TLS_CLIENT_CA", client_ca)):
            if path is not None:
                read.problems.append(f"{name} is set and SCP_TLS_CERTIFICATE is not")
        return None
    return TlsSettings(port=port, certificate=certificate, key=key, client_ca=client_ca)


def _intake(read: _Reader) -> IntakeSettings:
    return IntakeSettings(
        durability=read.choice("SCP_DURABILITY", "power", get_args(Durability)),
        disk_reserve_bytes=read.integer("STORE_RESERVE_BYTES", 256 * 1024 * 1024),
        batch_max_instances=read.integer("BATCH_MAX_INSTANCES", 500, least=1, most=10_000),
        batch_max_seconds=read.seconds("BATCH_MAX_SECONDS", 5),
        republish_seconds=read.seconds("REPUBLISH_SECONDS", 60),
        quarantine_max_bytes=read.integer("QUARANTINE_MAX_BYTES", 1024**3),
    )


def _auth(read: _Reader) -> AuthSettings:
    settings = AuthSettings(is_on=read.flag("WEB_AUTH", default=False), oidc=_oidc(read))
    if settings.oidc is not None and not settings.is_on:
        # Whoever sets one of these wants callers to be asked, and would otherwise not notice that nobody is.
        read.problems.append("OIDC_ISSUER is set, and WEB_AUTH is not on")
    return settings


def _oidc(read: _Reader) -> OidcSettings | None:
    issuer = read.secure_url("OIDC_ISSUER")
    settings = OidcSettings(
        issuer=issuer or "",
        audience=read.text("OIDC_AUDIENCE", ""),
        jwks_url=read.secure_url("OIDC_JWKS_URL"),
        algorithms=read.several("OIDC_ALGORITHMS", _USUAL_SIGNATURES, _SIGNATURES),
        leeway_seconds=read.number("OIDC_LEEWAY_SECONDS", 30, least=0, most=300),
        scope_prefix=read.text("OIDC_SCOPE_PREFIX", "dicomweb."),
        tenant_claim=read.text("OIDC_TENANT_CLAIM", "tenant"),
        without_tenant=read.choice("OIDC_WITHOUT_TENANT", "none", ("none", "default")),
        name_claim=read.text("OIDC_NAME_CLAIM", "sub"),
    )
    if issuer is None:
        for name, value in (("OIDC_AUDIENCE", settings.audience), ("OIDC_JWKS_URL", settings.jwks_url)):
            if value:
                read.problems.append(f"{name} is set and OIDC_ISSUER is not")
        return None
    if not settings.audience:
        # Else a token that was made for any other service of the provider would do here.
        read.problems.append("OIDC_AUDIENCE has to be set: it is what a token's aud must hold")
    return settings


def _web(read: _Reader, *, is_authenticated: bool) -> WebSettings:
    hosts = read.text("WEB_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
    settings = WebSettings(
        host=read.text("WEB_HOST", "127.0.0.1"),
        port=read.port("WEB_PORT", 8000),
        processes=read.integer("WEB_PROCESSES", min(len(os.sched_getaffinity(0)), 2), least=1, most=256),
        threads=read.integer("WEB_THREADS", 8, least=1, most=1000),
        secret_key=read.optional("SECRET_KEY"),
        allowed_hosts=tuple(host.strip() for host in hosts.split(",") if host.strip()),
        debug=read.flag("WEB_DEBUG", default=False),
        is_open=read.flag("WEB_OPEN", default=False),
        public_url=read.url("WEB_PUBLIC_URL", None, ("http", "https")),
        is_behind_tls_proxy=read.flag("WEB_BEHIND_TLS_PROXY", default=False),
        hsts_seconds=read.integer("WEB_HSTS_SECONDS", 0, most=10 * 365 * 86400),
        cors_origins=read.origins("WEB_CORS_ORIGINS"),
        is_cors_with_credentials=read.flag("WEB_CORS_CREDENTIALS", default=False),
        stall_seconds=read.seconds("WEB_STALL_SECONDS", 30),
        min_bytes_per_second=read.integer("WEB_MIN_BYTES_PER_SECOND", 1000, least=1),
        retrieves_per_client=read.integer("WEB_RETRIEVES_PER_CLIENT", 32, least=1, most=10_000),
        proxies=read.addresses("WEB_PROXIES"),
        accel_prefix=read.url_path("WEB_ACCEL_PREFIX"),
        metrics_token=read.optional("METRICS_TOKEN"),
        qido_no_match_status=_NO_MATCH_STATUSES[read.choice("QIDO_NO_MATCH_STATUS", "200", ("200", "204"))],
        qido_max_results=read.integer("QIDO_MAX_RESULTS", 10_000, least=1, most=1_000_000),
        qido_max_series=read.integer("QIDO_MAX_SERIES", 200, least=1, most=1_000_000),
        qido_max_uids=read.integer("QIDO_MAX_UIDS", 500, least=1, most=100_000),
        qido_max_seconds=read.seconds("QIDO_MAX_SECONDS", 10),
    )
    if not (is_authenticated or settings.is_open or is_loopback(settings.host)):
        read.problems.append(
            f"WEB_HOST={settings.host!r}: DICOMweb asks nobody to log in, so it listens on loopback "
            "only; WEB_AUTH=on asks, WEB_OPEN=on opens it to whoever can reach that address"
        )
    if settings.is_cors_with_credentials and ANY_ORIGIN in settings.cors_origins:
        read.problems.append("WEB_CORS_CREDENTIALS=on: not with WEB_CORS_ORIGINS=*, name the origins")
    return settings


def _stow(read: _Reader) -> StowSettings:
    return StowSettings(
        max_requests=read.integer("STOW_MAX_REQUESTS", 6, least=1, most=1000),
        max_bytes=read.integer("STOW_MAX_BYTES", 32 * 1024**3, least=1),
        max_instances=read.integer("STOW_MAX_INSTANCES", 10_000, least=1, most=1_000_000),
        metadata_max_bytes=read.integer("STOW_METADATA_MAX_BYTES", 16 * 1024**2, least=1024),
        stall_seconds=read.seconds("STOW_STALL_SECONDS", 60),
    )


def _warehouse(read: _Reader, home: Path) -> WarehouseSettings:
    settings = WarehouseSettings(
        url=read.url("WAREHOUSE_URL", f"parquet://{home}/warehouse", ("parquet", "doris")),
        spool=read.path("WAREHOUSE_SPOOL", home / "spool"),
        load_max_rows=read.integer("WAREHOUSE_LOAD_MAX_ROWS", 50_000, least=1, most=1_000_000),
        load_max_bytes=read.integer("WAREHOUSE_LOAD_MAX_BYTES", 64 * 1024**2, least=1024, most=1024**3),
        load_max_seconds=read.seconds("WAREHOUSE_LOAD_MAX_SECONDS", 10),
        memory_bytes=read.integer("WAREHOUSE_MEMORY_BYTES", 1024**3, least=128 * 1024**2),
        threads=read.integer("WAREHOUSE_THREADS", 2, least=1, most=256),
        log_retention_months=read.integer("WAREHOUSE_LOG_RETENTION_MONTHS", 24, least=1, most=1200),
    )
    # DuckDB takes these characters in a path for patterns.
    is_folder = re.fullmatch(r"parquet:///+[^/*?\[][^*?\[]*", settings.url)
    if settings.url.startswith("parquet:") and not is_folder:
        read.problems.append(
            "WAREHOUSE_URL=parquet://...: takes the whole path of a folder, parquet:///folder, without * ? ["
        )
    return settings


def _codec(read: _Reader) -> CodecSettings:
    settings = CodecSettings(
        processes=read.integer("CODEC_PROCESSES", min(len(os.sched_getaffinity(0)), 4), least=1, most=256),
        seconds=read.seconds("CODEC_SECONDS", 30),
        seconds_per_mib=read.seconds("CODEC_SECONDS_PER_MIB", 0.2),
        memory_bytes=read.integer("CODEC_MEMORY_BYTES", 2 * 1024**3, least=256 * 1024**2),
        orders_per_process=read.integer("CODEC_ORDERS_PER_PROCESS", 1000, least=1, most=1_000_000),
        modules=read.modules("CODEC_MODULES"),
    )
    # The largest instance there can be, 4 GiB: made, waiting for another one's proof, and proved. A task must
    # end before its message comes again.
    longest_seconds = 3 * (settings.seconds + settings.seconds_per_mib * 4096)
    if longest_seconds > _LONGEST_INSTANCE_SECONDS:
        read.problems.append(
            f"3 * CODEC_SECONDS + 12288 * CODEC_SECONDS_PER_MIB is {longest_seconds:g}, "
            f"and must be at most {_LONGEST_INSTANCE_SECONDS:g}"
        )
    return settings


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a listener on host; of names, only localhost is trusted."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def read_environment(environ: Mapping[str, str] | None = None) -> Environment:
    """Read all settings. Raises EnvironmentInvalid that names everything that is wrong."""
    environ = os.environ if environ is None else environ
    settings_file = environ.get("DICOMHUB_SETTINGS_FILE")
    values = {**(_file_values(settings_file) if settings_file else {}), **environ}
    read = _Reader(values)
    home = read.path("DICOMHUB_HOME", Path("var"))
    auth = _auth(read)
    environment = Environment(
        home=home,
        store_root=read.path("STORE_ROOT", home / "store"),
        database_url=read.url(
            "DATABASE_URL", f"sqlite:///{home}/dicomhub.sqlite3", ("sqlite", "postgresql", "postgres")
        ),
        redis_url=read.url("REDIS_URL", None, ("redis", "rediss")),
        flower_port=read.port("FLOWER_PORT", 5555),
        log_format=read.choice("LOG_FORMAT", "console", get_args(LogFormat)),
        log_level=read.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
        batch_retention_days=read.integer("BATCH_RETENTION_DAYS", 30, least=1, most=36500),
        transcode_log_retention_days=read.integer("TRANSCODE_LOG_RETENTION_DAYS", 90, least=1, most=36500),
        deleted_retention_days=read.integer("DELETED_RETENTION_DAYS", 30, least=0, most=36500),
        transcode_run_seconds=read.seconds("TRANSCODE_RUN_SECONDS", 30, most=300),
        scp=_scp(read),
        intake=_intake(read),
        web=_web(read, is_authenticated=auth.is_on),
        auth=auth,
        stow=_stow(read),
        warehouse=_warehouse(read, home),
        codec=_codec(read),
    )
    if read.problems:
        raise EnvironmentInvalid(read.problems)
    return environment
