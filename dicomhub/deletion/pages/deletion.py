from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.dataclasses import ActionDialog
from unfold.decorators import action, display

from dicomhub.archive.pages import text
from dicomhub.archive.pages.read_only import ReadOnlyAdmin
from dicomhub.deletion.models import Deletion
from dicomhub.deletion.restoring import request_restore

_RESTORE_DIALOG: ActionDialog = {
    "title": "Restore what was deleted?",
    "description": "It comes back into the archive soon. What was stored again since stays as it is.",
    "form_class": None,
    "form_submit_text": "Restore",
}
_State = Deletion.State


class DeletionAdmin(ReadOnlyAdmin):
    list_display = (
        "target_uid",
        "level",
        "state_label",
        "number_of_instances",
        "size",
        "requested",
        "requested_by",
        "source",
        "reason_line",
        "tenant",
    )
    list_filter = ("state", "level", ("requested_at", RangeDateTimeFilter), "source", "tenant")
    ordering = ("-requested_at",)
    text_search_fields = ("deletion_id", "requested_by", "reason")
    uid_search_fields = ("study_instance_uid", "series_instance_uid", "sop_instance_uid")
    search_fields = ("deletion_id",)
    search_help_text = "UID, who, why, or the deletion's ID"
    actions = ("restore_selected",)
    actions_detail = ("restore",)  # type: ignore[assignment] # meant to be set
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("level", "state"),
                    ("number_of_instances", "size"),
                    ("requested", "requested_by"),
                    ("source", "tenant"),
                    "reason",
                    "study_instance_uid",
                    "series_instance_uid",
                    "sop_instance_uid",
                    ("ended", "deletion_id"),
                )
            },
        ),
    )

    def has_restore_permission(self, request: HttpRequest, _object_id: Any = None) -> bool:
        return request.user.has_perm("deletion.change_deletion")

    @admin.action(description="Restore to the archive", permissions=["restore"])
    def restore_selected(self, request: HttpRequest, queryset: QuerySet[Deletion]) -> None:
        number = request_restore(queryset)
        if number:
            self.message_user(request, f"Deletions on their way back: {number}.", messages.SUCCESS)
        else:
            self.message_user(request, "There is nothing to restore.", messages.WARNING)

    @action(  # type: ignore[operator] # unfold's annotation is wrong
        description="Restore",
        permissions=["restore"],
        url_path="restore",
        icon="restore_from_trash",
        dialog=_RESTORE_DIALOG,
    )
    def restore(self, request: HttpRequest, _form: Form, object_id: str) -> HttpResponse:
        self.restore_selected(request, Deletion.objects.filter(pk=object_id))
        page = reverse("admin:deletion_deletion_change", args=(object_id,))
        return HttpResponse(headers={"HX-Redirect": page})

    @display(
        description="State",
        ordering="state",
        label={
            _State.RUNNING: "info",
            _State.DONE: "warning",
            _State.RESTORING: "info",
            _State.RESTORED: "success",
            _State.PURGING: "danger",
            _State.PURGED: "danger",
        },
    )
    def state_label(self, deletion: Deletion) -> tuple[str, str]:
        return deletion.state, deletion.get_state_display()

    @admin.display(description="UID")
    def target_uid(self, deletion: Deletion) -> str:
        return deletion.target_uid

    @admin.display(description="Size", ordering="size_bytes")
    def size(self, deletion: Deletion) -> str:
        return text.size(deletion.size_bytes)

    @admin.display(description="Deleted (UTC)", ordering="requested_at")
    def requested(self, deletion: Deletion) -> str:
        return text.moment(deletion.requested_at)

    @admin.display(description="Restored or purged (UTC)", ordering="ended_at")
    def ended(self, deletion: Deletion) -> str:
        return text.moment(deletion.ended_at)

    @admin.display(description="Why")
    def reason_line(self, deletion: Deletion) -> str:
        return text.first_line(deletion.reason)
