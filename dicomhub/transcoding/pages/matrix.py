"""How attempts have ended, by transfer syntax, codec and manufacturer, and what has no rendition now."""

from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST, require_safe

from dicomhub.archive.pages.text import NOTHING, link
from dicomhub.tenants.models import Tenant
from dicomhub.transcoding import selectors
from dicomhub.transcoding.models import OUTCOMES, UnrenderedInstance
from dicomhub.transcoding.pages.retrying import may_retry, retry_all
from dicomhub.transcoding.pages.words import transfer_syntax
from tasks.transcode.orders import Outcome

_DAYS = (1, 7, 30, 365)
_BY_CODEC = ("source_transfer_syntax_uid", "codec")
_BY_MANUFACTURER = ("manufacturer", "source_transfer_syntax_uid", "codec")
_LEFT_BY = ("source_transfer_syntax_uid", "outcome", "manufacturer")
_HEADERS = {
    "source_transfer_syntax_uid": "Transfer syntax",
    "codec": "Codec",
    "manufacturer": "Manufacturer",
    "outcome": "Outcome",
}
_OUTCOME_NAMES = dict(OUTCOMES)


@require_safe
def matrix(request: HttpRequest) -> HttpResponse:
    """For staff who may see attempts: to be wrapped by admin_view."""
    if not request.user.has_perm("transcoding.view_transcodeattempt"):
        raise PermissionDenied
    days = next((days for days in _DAYS if str(days) == request.GET.get("days")), 7)
    tenant = request.GET.get("tenant", "")
    since = datetime.now(UTC) - timedelta(days=days)
    failing = _table(_BY_MANUFACTURER, since, tenant, is_failing=True)
    context = {
        "title": "Transcoding",
        "filters": [
            [(f"{each} d", _query(each, tenant), each == days) for each in _DAYS],
            [(name or "all tenants", _query(days, name), name == tenant) for name in _tenants()],
        ],
        "tables": [
            ("Attempts", _table(_BY_CODEC, since, tenant), "Nothing was transcoded."),
            ("By manufacturer, where any failed", failing, "Nothing has failed."),
            ("Not rendered now", _left(request, tenant), "Nothing is left without a rendition."),
        ],
    }
    return render(request, "transcoding/matrix.html", {**admin.site.each_context(request), **context})


@require_POST
def retry(request: HttpRequest) -> HttpResponse:
    """Of one line of what is not rendered: all of it again. To be wrapped by admin_view."""
    if not may_retry(request):
        raise PermissionDenied
    conditions = {name: request.POST[name] for name in (*_LEFT_BY, "tenant") if name in request.POST}
    retry_all(request, UnrenderedInstance.objects.filter(**conditions))
    return redirect("transcode-matrix")


def _tenants() -> list[str]:
    return ["", *Tenant.objects.values_list("name", flat=True)]


def _query(days: int, tenant: str) -> str:
    return urlencode({"days": days, "tenant": tenant})


def _table(by: tuple[str, ...], since: datetime, tenant: str, *, is_failing: bool = False) -> dict[str, Any]:
    """A line for each value of the fields in by, a column for each outcome; numbers link to the attempts.

    is_failing: only the lines where an attempt has failed.
    """
    counted = selectors.attempts_counted(by, since=since, tenant=tenant)
    rows = []
    for values, outcomes in groupby(counted, lambda row: tuple(row[field] for field in by)):
        numbers = {row["outcome"]: row["number"] for row in outcomes}
        if is_failing and numbers.keys() == {Outcome.RENDERED.value}:
            continue
        conditions = dict(zip(by, values, strict=True)) | {"at__gte": since.isoformat()}
        cells = [
            _attempts(numbers.get(outcome, 0), conditions | {"outcome": outcome}, tenant)
            for outcome in _OUTCOME_NAMES
        ]
        rows.append([*_names(by, values), *cells])
    return {"headers": [*(_HEADERS[field] for field in by), *_OUTCOME_NAMES.values()], "rows": rows}


def _attempts(number: int, conditions: dict[str, str], tenant: str) -> SafeString | str:
    if not number:
        return NOTHING
    return _counted("transcodeattempt", number, conditions, tenant)


def _counted(model: str, number: int, conditions: dict[str, str], tenant: str) -> SafeString:
    """A number that leads to the list of what it counts."""
    lookups = {name if "__" in name else f"{name}__exact": value for name, value in conditions.items()}
    query = urlencode(lookups | ({"tenant__exact": tenant} if tenant else {}))
    return link(f"{reverse(f'admin:transcoding_{model}_changelist')}?{query}", f"{number:,}")


def _left(request: HttpRequest, tenant: str) -> dict[str, Any]:
    """What has no rendition now: a line for each transfer syntax, outcome and manufacturer, and its retry."""
    rows = []
    for counted in selectors.unrendered_counted(_LEFT_BY, tenant=tenant):
        conditions = {field: counted[field] for field in _LEFT_BY}
        cells = [
            *_names(_LEFT_BY, tuple(conditions.values())),
            _counted("unrenderedinstance", counted["number"], conditions, tenant),
        ]
        if may_retry(request):
            cells.append(_retry_button(request, conditions | ({"tenant": tenant} if tenant else {})))
        rows.append(cells)
    return {"headers": [*(_HEADERS[field] for field in _LEFT_BY), "Instances", ""], "rows": rows}


def _retry_button(request: HttpRequest, conditions: dict[str, str]) -> SafeString:
    context = {"conditions": conditions, "csrf_token": get_token(request)}
    return render_to_string("transcoding/retry_button.html", context)


def _names(fields: tuple[str, ...], values: tuple[str, ...]) -> list[str]:
    return [_name(field, value) for field, value in zip(fields, values, strict=True)]


def _name(field: str, value: str) -> str:
    if field == "source_transfer_syntax_uid":
        return transfer_syntax(value)
    return _OUTCOME_NAMES[value] if field == "outcome" else value or NOTHING
