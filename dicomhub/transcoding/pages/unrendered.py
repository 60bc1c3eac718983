from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.dataclasses import ActionDialog
from unfold.decorators import action

from dicomhub.archive.pages import text
from dicomhub.transcoding.models import TranscodeAttempt, UnrenderedInstance
from dicomhub.transcoding.pages.of_instance import OfInstanceAdmin
from dicomhub.transcoding.pages.retrying import may_retry, retry_all

_RETRY_DIALOG: ActionDialog = {
    "title": "Transcode this instance again?",
    "description": "Every decoder that reads its transfer syntax is tried. The original stays as it is.",
    "form_class": None,
    "form_submit_text": "Retry",
}


class UnrenderedInstanceAdmin(OfInstanceAdmin):
    list_display = (
        "instance_uid",
        "outcome_label",
        "source",
        "codec",
        "attempts",
        "reason_line",
        "manufacturer",
        "state",
        "updated",
        "series",
    )
    list_filter = ("outcome", "state", "source_transfer_syntax_uid", "manufacturer", "tenant")
    ordering = ("-updated_at", "-id")
    actions = ("retry_selected",)
    actions_detail = ("retry",)  # type: ignore[assignment] # meant to be set
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("outcome", "state"),
                    ("source", "target"),
                    ("codec", "attempts"),
                    ("manufacturer", "updated"),
                    ("tenant", "sop_class_uid"),
                    "reason",
                    "instance",
                    "series",
                )
            },
        ),
    )
    child_headers = ("At (UTC)", "Codec", "Outcome", "Seconds", "Reason")

    def children(self, row: UnrenderedInstance) -> "QuerySet[TranscodeAttempt]":
        return TranscodeAttempt.objects.filter(
            tenant=row.tenant,
            study_instance_uid=row.study_instance_uid,
            series_instance_uid=row.series_instance_uid,
            sop_instance_uid=row.sop_instance_uid,
        ).order_by("-at", "-id")

    def child_cells(self, _row: UnrenderedInstance, child: TranscodeAttempt) -> list[object]:
        outcome = child.get_outcome_display()
        return text.lines((text.moment(child.at), child.codec, outcome, f"{child.seconds:.2f}", child.reason))

    def has_retry_permission(self, request: HttpRequest, _object_id: Any = None) -> bool:
        return may_retry(request)

    @admin.action(description="Transcode the selected instances again", permissions=["retry"])
    def retry_selected(self, request: HttpRequest, queryset: "QuerySet[UnrenderedInstance]") -> None:
        retry_all(request, UnrenderedInstance.objects.filter(pk__in=queryset.values("pk")))

    @action(  # type: ignore[operator] # unfold's annotation is wrong
        description="Retry", permissions=["retry"], url_path="retry", icon="replay", dialog=_RETRY_DIALOG
    )
    def retry(self, request: HttpRequest, _form: Form, object_id: str) -> HttpResponse:
        retry_all(request, UnrenderedInstance.objects.filter(pk=object_id))
        page = reverse("admin:transcoding_unrenderedinstance_change", args=(object_id,))
        return HttpResponse(headers={"HX-Redirect": page})

    @admin.display(description="SOP Instance UID", ordering="sop_instance_uid")
    def instance_uid(self, row: UnrenderedInstance) -> str:
        return row.sop_instance_uid

    @admin.display(description="Updated (UTC)", ordering="updated_at")
    def updated(self, row: UnrenderedInstance) -> str:
        return text.moment(row.updated_at)
