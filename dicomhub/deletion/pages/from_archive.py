"""Studies and series can be deleted from their pages, by those who may, and after a question."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.decorators import action

from dicomhub.archive.models import Series, Study
from dicomhub.archive.pages import text
from dicomhub.archive.pages.read_only import ReadOnlyAdmin
from dicomhub.archive.pages.series import SeriesAdmin
from dicomhub.archive.pages.study import StudyAdmin
from dicomhub.deletion.deleting import NothingToDelete, Request, delete
from dicomhub.deletion.target import Target
from dicomhub.storage.filesystem import open_store

# What is asked for on a page is done while somebody waits for the page.
_AT_ONCE = 100
_ACTION = "delete_from_archive"
_CONFIRMED = "confirmed"


class DeletableAdmin(ReadOnlyAdmin):
    actions = (_ACTION,)
    actions_detail = ("delete_this",)  # type: ignore[assignment] # meant to be set

    def has_delete_from_archive_permission(self, request: HttpRequest, _object_id: Any = None) -> bool:
        return request.user.has_perm("deletion.add_deletion")

    @admin.action(description="Delete from the archive", permissions=["delete_from_archive"])
    def delete_from_archive(
        self, request: HttpRequest, queryset: "QuerySet[Any]"
    ) -> HttpResponse | HttpResponseRedirect | None:
        rows = list(queryset[: _AT_ONCE + 1])
        if len(rows) > _AT_ONCE:
            self.message_user(request, f"At most {_AT_ONCE} are deleted at once.", messages.ERROR)
            return None
        if _CONFIRMED not in request.POST:
            return self._question(request, rows)
        self._delete(request, rows, request.POST.get("reason", "").strip())
        return HttpResponseRedirect(self._list_page())

    @action(  # type: ignore[operator] # unfold's annotation is wrong
        description="Delete from the archive",
        permissions=["delete_from_archive"],
        url_path="delete-from-archive",
        icon="delete",
    )
    def delete_this(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._question(request, list(self.get_queryset(request).filter(pk=object_id)))

    def _question(self, request: HttpRequest, rows: Sequence[Any]) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "Delete from the archive?",
            "opts": self.opts,
            "rows": rows,
            "table": {"headers": ("What", "Patient", "Holds", "UID"), "rows": [_cells(row) for row in rows]},
            "instances": sum(row.number_of_instances for row in rows),
            "size": text.size(sum(row.size_bytes for row in rows)),
            "days": settings.ENVIRONMENT.deleted_retention_days,
            "list_page": self._list_page(),
            "action": _ACTION,
            "confirmed": _CONFIRMED,
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "deletion/question.html", context)

    def _delete(self, request: HttpRequest, rows: Sequence[Any], reason: str) -> None:
        store = open_store(settings.ENVIRONMENT)
        asked = Request(by=request.user.get_username(), source="admin", reason=reason)
        deleted = 0
        for row in rows:
            try:
                deletion = delete(store, _target(row), asked)
            except NothingToDelete:  # somebody else was quicker
                continue
            deleted += deletion.number_of_instances
        self.message_user(request, f"Instances deleted from the archive: {deleted}.", messages.SUCCESS)

    def _list_page(self) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")


class DeletableStudyAdmin(DeletableAdmin, StudyAdmin):  # type: ignore[misc] # stubs and unfold differ
    pass


class DeletableSeriesAdmin(DeletableAdmin, SeriesAdmin):  # type: ignore[misc] # stubs and unfold differ
    pass


def _target(row: Study | Series) -> Target:
    if isinstance(row, Study):
        return Target(tenant=row.tenant_name, study_instance_uid=row.study_instance_uid)
    return Target(
        tenant=row.tenant_name,
        study_instance_uid=row.study.study_instance_uid,
        series_instance_uid=row.series_instance_uid,
    )


def _cells(row: Study | Series) -> list[object]:
    study = row if isinstance(row, Study) else row.study
    uid = row.study_instance_uid if isinstance(row, Study) else row.series_instance_uid
    return [
        str(row),
        text.person(study.patient.patient_name),
        text.instances(row.number_of_instances, row.size_bytes),
        uid,
    ]
