"""Settings of the web side: who may ask, and how much."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from dicomhub.configuration.reader import ANY_ORIGIN, SettingsReader, is_loopback

_NO_MATCH_STATUSES: Mapping[str, Literal[200, 204]] = {"200": 200, "204": 204}
# Made with one half of a key pair and checked with the other: what checks a token cannot make one.
_USUAL_SIGNATURES = ("RS256", "PS256", "ES256")
_SIGNATURES = (*_USUAL_SIGNATURES, "RS384", "RS512", "PS384", "PS512", "ES384", "ES512", "EdDSA")


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


def read_auth(read: SettingsReader) -> AuthSettings:
    settings = AuthSettings(is_on=read.flag("WEB_AUTH", default=False), oidc=_oidc(read))
    if settings.oidc is not None and not settings.is_on:
        # Whoever sets one of these wants callers to be asked, and would otherwise not notice that nobody is.
        read.problems.append("OIDC_ISSUER is set, and WEB_AUTH is not on")
    return settings


def _oidc(read: SettingsReader) -> OidcSettings | None:
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


def read_web(read: SettingsReader, *, is_authenticated: bool) -> WebSettings:
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


def read_stow(read: SettingsReader) -> StowSettings:
    return StowSettings(
        max_requests=read.integer("STOW_MAX_REQUESTS", 6, least=1, most=1000),
        max_bytes=read.integer("STOW_MAX_BYTES", 32 * 1024**3, least=1),
        max_instances=read.integer("STOW_MAX_INSTANCES", 10_000, least=1, most=1_000_000),
        metadata_max_bytes=read.integer("STOW_METADATA_MAX_BYTES", 16 * 1024**2, least=1024),
        stall_seconds=read.seconds("STOW_STALL_SECONDS", 60),
    )
