"""/metrics, for Prometheus: with the token of METRICS_TOKEN, or for staff who have logged in."""

import hmac
import os

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from dicomhub.environment import Environment
from dicomhub.exposition import CONTENT_TYPE
from dicomhub.monitoring.gathering import gathered


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    environment: Environment = settings.ENVIRONMENT
    if not (_has_token(request, environment.web.metrics_token) or _is_staff(request)):
        return HttpResponse(status=401, headers={"WWW-Authenticate": 'Bearer realm="metrics"'})
    return HttpResponse(_of_all_web_workers() + gathered(environment), content_type=CONTENT_TYPE)


def _has_token(request: HttpRequest, token: str | None) -> bool:
    given = request.headers.get("Authorization", "").encode()
    return token is not None and hmac.compare_digest(given, f"Bearer {token}".encode())


def _is_staff(request: HttpRequest) -> bool:
    return request.user.is_active and request.user.is_staff


def _of_all_web_workers() -> str:
    """Summed over the files that gunicorn's workers keep, the dead ones among them; else this process's."""
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry).decode("utf-8")
