"""The page of the warehouse's spool: what waits, what was loaded last, and what the warehouse refuses."""

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods

from dicomhub.archive.pages.text import MONOSPACED, NOTHING, lines, moment, size
from tasks.warehouse.backlog import Backlog, backlogs
from tasks.warehouse.dead_letters import DeadLetter, DeadLetterGone, discard, retry, retry_all
from tasks.warehouse.port import LoadStatus
from tasks.warehouse.progress import try_at_once
from tasks.warehouse.spool import Spool, open_spool
from tasks.warehouse.tables import table_named

DEAD_SHOWN = 50
LOADS_SHOWN = 10
_WAITING = ("table", "rows", "size", "oldest (UTC)", "state", "loaded so far")
_LOADS = ("ended (UTC)", "table", "rows", "refused", "size", "seconds", "label")


@require_http_methods(["GET", "HEAD", "POST"])
def warehouse(request: HttpRequest) -> HttpResponse:
    """For staff: to be wrapped by admin_view. Who may retry batches may also decide on dead letters."""
    spool = open_spool(settings.ENVIRONMENT)
    may_act = request.user.has_perm("archive.change_batch")
    if request.method == "POST":
        if not may_act:
            raise PermissionDenied
        _act(request, spool)
        return redirect("warehouse")
    context = {**_context(backlogs(spool)), "may_act": may_act}
    if request.headers.get("HX-Request"):
        return render(request, "console/warehouse_live.html", context)
    page = {**admin.site.each_context(request), "title": "Warehouse", **context}
    return render(request, "console/warehouse.html", page)


def _act(request: HttpRequest, spool: Spool) -> None:
    try:
        table = table_named(request.POST.get("table", ""))
    except KeyError:
        raise BadRequest("no such table") from None
    name = request.POST.get("name", "")
    try:
        match request.POST.get("action"):
            case "try":
                try_at_once(spool, table)
                said = f"{table.name} is loaded with the loader's next turn."
            case "retry":
                retry(spool, table, name)
                said = "The rows wait for the warehouse again."
            case "retry-all":
                said = f"Dead letters that wait for the warehouse again: {retry_all(spool, table)}."
            case "discard":
                discard(spool, table, name)
                said = "The rows are given up."
            case _:
                raise BadRequest("no such action")
    except DeadLetterGone:
        messages.warning(request, "This dead letter was retried or discarded before.")
    except OSError as error:
        messages.error(request, f"The spool cannot be written: {error.strerror}.")
    else:
        messages.success(request, said)


def _context(of_tables: list[Backlog]) -> dict[str, Any]:
    loads = [(load, one.table) for one in of_tables for load in one.progress.loads]
    loads.sort(key=lambda item: item[0].ended_at, reverse=True)
    return {
        "address": f"{settings.ENVIRONMENT.warehouse.url.partition('://')[0]}, spool in "
        f"{settings.ENVIRONMENT.warehouse.spool}",
        "waiting": {"headers": _WAITING, "rows": [_waiting_cells(one) for one in of_tables]},
        "failing": [
            {"table": one.table.name, "text": _failure(one), "is_severe": _is_severe(one)}
            for one in of_tables
            if one.progress.status is not None
        ],
        "dead": [_dead(one) for one in of_tables if one.dead],
        "loads": {
            "headers": _LOADS,
            "rows": [
                [
                    moment(load.ended_at),
                    table.name,
                    f"{load.number_of_rows:,}",
                    f"{load.dead_rows:,}",
                    size(load.size_bytes),
                    f"{load.seconds:.1f}",
                    format_html(MONOSPACED, load.label),
                ]
                for load, table in loads[:LOADS_SHOWN]
            ],
        },
    }


def _waiting_cells(one: Backlog) -> list[object]:
    return lines(
        (
            one.table.name,
            f"{one.number_of_rows:,}",
            size(one.size_bytes) if one.files else NOTHING,
            moment(one.oldest_at),
            _state(one),
            f"{one.progress.loaded_rows:,}",
        )
    )


def _state(one: Backlog) -> str:
    if one.progress.status is not None:
        return one.progress.status.value
    if one.plan is not None:
        return f"loading {one.plan.number_of_rows:,} rows"
    return "waiting" if one.files else "nothing to do"


def _is_severe(one: Backlog) -> bool:
    return one.progress.status is LoadStatus.MISCONFIGURED


def _failure(one: Backlog) -> str:
    progress = one.progress
    is_due = progress.is_due(datetime.now(UTC))
    again = "with the loader's next turn" if is_due else f"at {moment(progress.not_before)} UTC"
    return (
        f"{progress.detail or 'no reason was given'}. Since {moment(progress.failing_since)} UTC; "
        f"tries: {progress.failures}; the next one {again}."
    )


def _dead(one: Backlog) -> dict[str, Any]:
    return {
        "table": one.table.name,
        "letters": [_letter(letter) for letter in one.dead[:DEAD_SHOWN]],
        "rows": f"{one.dead_rows:,}",
        "not_shown": max(0, len(one.dead) - DEAD_SHOWN),
    }


def _letter(letter: DeadLetter) -> dict[str, Any]:
    return {
        "name": letter.name,
        "rows": f"{letter.rows.number_of_rows:,}",
        "refused_at": moment(letter.refused_at),
        "reason": letter.reason,
    }
