"""The dashboard: what the warehouse says of the archive, drawn and as tables."""

from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dicomhub.archive import selectors
from dicomhub.archive.pages import text
from dicomhub.console.charts import charts_of
from dicomhub.console.deadline import answered_within
from dicomhub.console.figures.figure import Figure, Kind, Period
from dicomhub.console.figures.reading import FigureReader, scope
from dicomhub.console.figures.written import written
from dicomhub.environment import EnvironmentInvalid
from dicomhub.tenants.models import Tenant
from tasks.warehouse.open import shared_warehouse
from tasks.warehouse.port import WarehouseUnavailable

ANSWER_SECONDS = 10.0
ROWS_SHOWN = 200
_DEFAULT_DAYS = 30
_DAYS = ((1, "Today"), (7, "7 days"), (30, "30 days"), (90, "90 days"), (365, "365 days"))
# Who read what is not for everyone who may see the archive.
_PERMISSIONS = {"reads": "auth.view_user"}
# These hold two charts, a long sentence, or a table of many columns.
_WIDE = frozenset({"received_by_modality", "received_by_source", "growth", "largest_studies"})


class _Choice(forms.Form):
    days = forms.TypedChoiceField(choices=_DAYS, coerce=int, required=False, empty_value=None)
    tenant = forms.ModelChoiceField(Tenant.objects.all(), required=False)


@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    """For staff who may see studies: to be wrapped by admin_view. It renders without a warehouse, too."""
    if not request.user.has_perm("archive.view_study"):
        raise PermissionDenied
    choice = _Choice(request.GET)
    if not choice.is_valid():
        raise BadRequest("no such days or tenant")
    days, tenant = choice.cleaned_data["days"] or _DEFAULT_DAYS, choice.cleaned_data["tenant"]
    page = {
        **admin.site.each_context(request),
        "title": "Dashboard",
        "tenant": tenant,
        "days": [(value, label, value == days) for value, label in _DAYS],
        "tenants": [(one.name, str(one), one == tenant) for one in Tenant.objects.all()],
    }
    try:
        figures, period = _figures(days, tenant and tenant.name)
    except (WarehouseUnavailable, EnvironmentInvalid, OSError) as error:
        return render(request, "console/dashboard.html", {**page, "unavailable": str(error)})
    shown = [
        one for one in figures if request.user.has_perm(_PERMISSIONS.get(one.name, "archive.view_study"))
    ]
    return render(request, "console/dashboard.html", {**page, **_context(shown, period)})


def _figures(days: int, tenant: str | None) -> tuple[Sequence[Figure], Period]:
    environment = settings.ENVIRONMENT

    def ask() -> tuple[Sequence[Figure], Period]:
        asked = scope(environment, days, tenant)
        return FigureReader(shared_warehouse(environment.warehouse), asked).figures(), asked.period

    return answered_within(ANSWER_SECONDS, ask)


def _context(figures: Sequence[Figure], period: Period) -> dict[str, Any]:
    summary, *details = figures
    charts = {one.name: [chart.as_json() for chart in charts_of(one, period)] for one in details}
    is_empty = not sum(details[-1].values("row_count"))
    return {
        "period": period,
        "is_empty": is_empty,
        "summary": [
            (column.title, written(column, value))
            for column, value in zip(summary.columns, summary.rows[0], strict=True)
            if column.name != "requests" or "reads" in charts
        ],
        "cards": [] if is_empty else [_card(one, charts[one.name]) for one in details],
    }


def _card(figure: Figure, charts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    cell = _cells_of_studies(figure) if figure.name == "largest_studies" else _cell
    is_by_day = figure.columns[0].kind is Kind.DAY
    newest_first = figure.rows[::-1] if is_by_day else figure.rows
    rows = [
        [(column.kind.is_number, cell(figure, row, number)) for number, column in enumerate(figure.columns)]
        for row in newest_first[:ROWS_SHOWN]
    ]
    return {
        "name": figure.name,
        "title": figure.title,
        "sentence": figure.sentence,
        "is_wide": figure.name in _WIDE,
        "charts": charts,
        "columns": [(column.kind.is_number, column.title) for column in figure.columns],
        "rows": rows,
        "not_shown": max(0, len(figure.rows) - ROWS_SHOWN),
    }


Row = tuple[Any, ...]


def _cell(figure: Figure, row: Row, number: int) -> str:
    return written(figure.columns[number], row[number])


def _cells_of_studies(figure: Figure) -> Callable[[Figure, Row, int], str]:
    """With a link to the study's page, where the archive still has it."""
    position = figure.position("study_instance_uid")
    found = selectors.studies_with_uids(figure.values("study_instance_uid"))
    pages = {(study.tenant_name, study.study_instance_uid): text.page_of(study) for study in found}

    def cell(figure: Figure, row: Row, number: int) -> str:
        page = pages.get((row[0], row[position]))
        if number != position or page is None:
            return _cell(figure, row, number)
        return text.link(page, row[position])

    return cell
