"""Django's settings, all of them from dicomhub.environment."""

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import django_stubs_ext
from corsheaders.defaults import default_headers

from dicomhub.configuration.reader import ANY_ORIGIN
from dicomhub.environment import read_environment
from dicomhub.navigation import UNFOLD as UNFOLD  # noqa: PLC0414 - unfold finds its settings here

django_stubs_ext.monkeypatch()

ENVIRONMENT = read_environment()
BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = ENVIRONMENT.web.debug
ALLOWED_HOSTS = list(ENVIRONMENT.web.allowed_hosts)
ROOT_URLCONF = "dicomhub.urls"
WSGI_APPLICATION = "dicomhub.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
LOGGING_CONFIG = None  # dicomhub.log configures logging, a process at a time


def _secret_key() -> str:
    """SECRET_KEY, else one made once and kept beside the embedded run's state."""
    if ENVIRONMENT.web.secret_key is not None:
        return ENVIRONMENT.web.secret_key
    path = ENVIRONMENT.home / "secret-key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written whole and private (mkstemp) before it gets its name; a process that is second keeps the
        # first one's key.
        with tempfile.NamedTemporaryFile("w", dir=path.parent) as file, suppress(FileExistsError):
            file.write(secrets.token_urlsafe(64))
            file.flush()
            os.link(file.name, path)
    return path.read_text("ascii")


SECRET_KEY = _secret_key()

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "corsheaders",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "dicomhub.dicomweb.description",
    "dicomhub.tenants",
    "dicomhub.accounts",
    "dicomhub.archive",
    "dicomhub.transcoding",
    "dicomhub.deletion",
    "dicomhub.console",
    "dicomhub.conformance",
]

MIDDLEWARE = [
    "dicomhub.request_id.RequestId",
    "dicomhub.monitoring.requests.RequestMetrics",
    "dicomhub.dicomweb.http.access_log.AccessLog",
    "django.middleware.security.SecurityMiddleware",
    "dicomhub.security_headers.SecurityHeaders",
    "corsheaders.middleware.CorsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

# Browsers of other origins may use DICOMweb where the settings name them, and nothing else of ours.
CORS_URLS_REGEX = r"^/(?:tenants/[^/]+/)?(?:dicom-web(?:/|$)|wado$)"
CORS_ALLOW_ALL_ORIGINS = ANY_ORIGIN in ENVIRONMENT.web.cors_origins
CORS_ALLOWED_ORIGINS = [origin for origin in ENVIRONMENT.web.cors_origins if origin != ANY_ORIGIN]
CORS_ALLOW_CREDENTIALS = ENVIRONMENT.web.is_cors_with_credentials
CORS_ALLOW_METHODS = ("GET", "HEAD", "POST", "DELETE", "OPTIONS")
CORS_ALLOW_HEADERS = (
    *default_headers,
    "accept-charset",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "range",
    "x-request-id",
)
CORS_EXPOSE_HEADERS = (
    "Accept-Ranges",
    "Allow",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Location",
    "Content-Range",
    "ETag",
    "Last-Modified",
    "Link",
    "Location",
    "Retry-After",
    "WWW-Authenticate",
    "Warning",
    "X-Request-ID",
)

_IS_HTTPS = urlsplit(ENVIRONMENT.web.public_url or "").scheme == "https"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _IS_HTTPS
CSRF_TRUSTED_ORIGINS = [ENVIRONMENT.web.public_url.rstrip("/")] if ENVIRONMENT.web.public_url else []
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ENVIRONMENT.web.is_behind_tls_proxy else None
SECURE_HSTS_SECONDS = ENVIRONMENT.web.hsts_seconds
SECURE_REFERRER_POLICY = "same-origin"  # an address names a study

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# DICOMweb serves sessions too: no page of another site may use one by what it loads or sends.
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

STATIC_URL = "/static/"
STATIC_ROOT = ENVIRONMENT.home / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": [],
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "dicomhub",
    "DESCRIPTION": "DICOMweb (DICOM PS3.18): store, search and retrieve studies, series and instances.",
    "VERSION": "2024d",
    "OAS_VERSION": "3.1.0",
    "DEFAULT_GENERATOR_CLASS": "dicomhub.dicomweb.description.openapi.DescribedSchemaGenerator",
}


def _database(url: str) -> dict[str, Any]:
    """Translate DATABASE_URL to Django's terms."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": unquote(parts.path),
            "CONN_MAX_AGE": 600,  # to open one and set its pragmas costs a request about a millisecond
            "OPTIONS": {
                # A writer takes the write lock at the start of its transaction, and waits for it: a lock
                # that is upgraded half way fails at once instead.
                "transaction_mode": "IMMEDIATE",
                "timeout": 30,
                # FULL: a journal segment is removed once its batch is committed, so that has to last.
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
            },
        }
    # A socket's folder cannot stand where a host name does: postgresql://user@/name?host=/run/postgresql
    socket_folder = parse_qs(parts.query).get("host", [""])[0]
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.removeprefix("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": socket_folder or unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
    }


DATABASES = {"default": _database(ENVIRONMENT.database_url)}
