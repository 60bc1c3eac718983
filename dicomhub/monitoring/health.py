"""/healthz: this process answers. /readyz: what it needs answers too, each part by name."""

import tempfile
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from time import monotonic

import redis
from django.conf import settings
from django.db import connection, connections
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from dicomhub.environment import Environment, EnvironmentInvalid
from dicomhub.log import logger

_DEADLINE_SECONDS = 2.0
_BROKER_TIMEOUT_SECONDS = 1.0


def _check_database() -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    finally:
        connections.close_all()  # this thread's own


def _check_store() -> None:
    environment: Environment = settings.ENVIRONMENT
    with tempfile.TemporaryFile(dir=environment.store_root) as file:
        file.write(b"ready?")
        file.flush()


def _check_broker() -> None:
    environment: Environment = settings.ENVIRONMENT
    broker = redis.Redis.from_url(
        environment.broker_url(),
        socket_connect_timeout=_BROKER_TIMEOUT_SECONDS,
        socket_timeout=_BROKER_TIMEOUT_SECONDS,
    )
    with broker:
        broker.ping()


_CHECKS: dict[str, Callable[[], None]] = {
    "database": _check_database,
    "store": _check_store,
    "broker": _check_broker,
}
# As many threads as checks: one that hangs (a store on a dead file server) makes later ones wait and be
# reported, instead of piling up.
_threads = ThreadPoolExecutor(max_workers=len(_CHECKS), thread_name_prefix="readiness")


def _state(part: str, check: "Future[None]", deadline: float) -> str:
    try:
        check.result(timeout=max(deadline - monotonic(), 0))
    except TimeoutError:
        check.cancel()
        return f"no answer within {_DEADLINE_SECONDS:g} s"
    except EnvironmentInvalid as error:
        return error.problems[0]
    except Exception as error:  # noqa: BLE001 - whatever keeps a part from answering is its state
        logger().warning("part_not_ready", part=part, error=repr(error))
        return type(error).__name__
    return "ok"


@require_safe
def healthz(_request: HttpRequest) -> JsonResponse:
    return JsonResponse({"state": "ok"})


@require_safe
def readyz(_request: HttpRequest) -> JsonResponse:
    """503 while a part is not ready. The parts are asked at the same time and have two seconds."""
    deadline = monotonic() + _DEADLINE_SECONDS
    checks = {part: _threads.submit(check) for part, check in _CHECKS.items()}
    parts = {part: _state(part, check, deadline) for part, check in checks.items()}
    is_ready = all(state == "ok" for state in parts.values())
    return JsonResponse(
        {"state": "ok" if is_ready else "not ready", "parts": parts}, status=200 if is_ready else 503
    )
