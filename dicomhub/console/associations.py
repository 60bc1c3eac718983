"""The page of live associations: what the SCP says of itself, looked at again every other second."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dicomhub.archive.pages.text import NOTHING, moment, size
from dicomhub.intake.receiver_status import (
    ChildStatus,
    ReceiverSilent,
    ReceiverStatus,
    ReceiverStatusFile,
)

_HEADERS = ("state", "peer", "calling AE title", "called AE title", "instances", "received", "since (UTC)")


@require_safe
def associations(request: HttpRequest) -> HttpResponse:
    """For staff: to be wrapped by admin_view. The page refreshes itself with the part that changes."""
    context = _receiver()
    if request.headers.get("HX-Request"):
        return render(request, "console/associations_live.html", context)
    page = {**admin.site.each_context(request), "title": "Live associations", **context}
    return render(request, "console/associations.html", page)


def _receiver() -> dict[str, Any]:
    try:
        receiver = ReceiverStatusFile(settings.ENVIRONMENT.home).read()
    except ReceiverSilent as silent:
        return {"silence": str(silent)}
    rows = [_cells(child) for child in receiver.associations]
    return {"receiver": receiver, "summary": _summary(receiver), "table": {"headers": _HEADERS, "rows": rows}}


def _summary(receiver: ReceiverStatus) -> str:
    idle = sum(child.state == "idle" for child in receiver.children)
    serving = len(receiver.associations)
    return f"Associations: {serving} of at most {receiver.max_children}. Idle children: {idle}."


def _cells(child: ChildStatus) -> list[str]:
    return [
        child.state,
        child.peer,
        child.calling_ae_title or NOTHING,
        child.called_ae_title or NOTHING,
        f"{child.instances:,}",
        size(child.bytes_received),
        moment(child.since),
    ]
