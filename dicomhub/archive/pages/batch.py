from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.dataclasses import ActionDialog
from unfold.decorators import action, display

from dicomhub.archive import selectors
from dicomhub.archive.models import Batch, Series
from dicomhub.archive.pages import text
from dicomhub.archive.pages.read_only import ReadOnlyAdmin
from dicomhub.archive.services import batch_resumed
from dicomhub.environment import EnvironmentInvalid
from tasks.app import create_app
from tasks.publish import BrokerUnreachable, publish_batch

_RETRY_DIALOG: ActionDialog = {
    "title": "Retry this batch?",
    "description": "It goes through the stages that it has not passed. That is harmless at any time.",
    "form_class": None,
    "form_submit_text": "Retry",
}


class BatchAdmin(ReadOnlyAdmin):
    list_display = (
        "batch_id",
        "state_label",
        "stage",
        "attempts",
        "number_of_instances",
        "size",
        "received",
        "updated",
        "error_line",
    )
    list_filter = ("state", "stage", ("received_at", RangeDateTimeFilter))
    ordering = ("-updated_at",)
    text_search_fields = ("batch_id", "error")
    search_fields = ("batch_id",)
    search_help_text = "Batch ID or error"
    actions = ("retry_selected",)
    actions_detail = ("retry",)  # type: ignore[assignment] # meant to be set
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("batch_id", "state"),
                    ("stage", "attempts"),
                    ("number_of_instances", "size"),
                    ("received", "indexed"),
                    ("finished", "updated"),
                    "error",
                )
            },
        ),
    )
    child_headers = ("Series", "Modality", "Patient", "Instances in series", "Size of series")

    def get_queryset(self, _request: HttpRequest) -> QuerySet[Batch]:
        return Batch.objects.defer("manifest")

    def children(self, row: Batch) -> QuerySet[Series]:
        return row.series.select_related("study__patient").order_by("id")

    def child_cells(self, _row: Batch, child: Series) -> list[object]:
        return text.lines(
            (
                text.link(text.page_of(child), child.series_description or child.series_instance_uid),
                child.modality,
                text.person(child.study.patient.patient_name),
                child.number_of_instances,
                text.size(child.size_bytes),
            )
        )

    def has_retry_permission(self, request: HttpRequest, _object_id: Any = None) -> bool:
        return request.user.has_perm("archive.change_batch")

    @admin.action(description="Retry the selected batches", permissions=["retry"])
    def retry_selected(self, request: HttpRequest, queryset: QuerySet[Batch]) -> None:
        self._retry(request, queryset)

    @action(  # type: ignore[operator] # unfold's annotation is wrong
        description="Retry", permissions=["retry"], url_path="retry", icon="replay", dialog=_RETRY_DIALOG
    )
    def retry(self, request: HttpRequest, _form: Form, object_id: str) -> HttpResponse:
        self._retry(request, self.get_queryset(request).filter(pk=object_id))
        page = reverse("admin:archive_batch_change", args=(object_id,))
        return HttpResponse(headers={"HX-Redirect": page})

    def _retry(self, request: HttpRequest, batches: Iterable[Batch]) -> None:
        resumed = 0
        for batch in batches:
            try:
                _publish(batch)
            except Batch.DoesNotExist:  # the manifest is dropped at the end
                self.message_user(request, f"{batch} is done: there is nothing to retry.", messages.WARNING)
            except (BrokerUnreachable, EnvironmentInvalid) as error:
                self.message_user(request, _broker_down(batch, error), messages.ERROR)
                break
            else:
                resumed += 1
        if resumed:
            self.message_user(request, f"Batches on their way again: {resumed}.", messages.SUCCESS)

    @display(
        description="State",
        ordering="state",
        label={Batch.State.RUNNING: "info", Batch.State.DONE: "success", Batch.State.FAILED: "danger"},
    )
    def state_label(self, batch: Batch) -> tuple[str, str]:
        return batch.state, batch.get_state_display()

    @admin.display(description="Size", ordering="size_bytes")
    def size(self, batch: Batch) -> str:
        return text.size(batch.size_bytes)

    @admin.display(description="Received (UTC)", ordering="received_at")
    def received(self, batch: Batch) -> str:
        return text.moment(batch.received_at)

    @admin.display(description="Indexed (UTC)", ordering="indexed_at")
    def indexed(self, batch: Batch) -> str:
        return text.moment(batch.indexed_at)

    @admin.display(description="Finished (UTC)", ordering="finished_at")
    def finished(self, batch: Batch) -> str:
        return text.moment(batch.finished_at)

    @admin.display(description="Updated (UTC)", ordering="updated_at")
    def updated(self, batch: Batch) -> str:
        return text.moment(batch.updated_at)

    @admin.display(description="Error")
    def error_line(self, batch: Batch) -> str:
        return text.first_line(batch.error)


def _broker_down(batch: Batch, error: Exception) -> str:
    return (
        f"{batch} cannot be retried now: the broker is not reachable ({error}). "
        "The sweeper retries by itself when the broker is back."
    )


def _publish(batch: Batch) -> None:
    """Raises BrokerUnreachable, EnvironmentInvalid, and Batch.DoesNotExist for one that is done."""
    published = selectors.batch(batch.batch_id)
    publish_batch(create_app(settings.ENVIRONMENT.broker_url()), published, after=batch.stage)
    batch_resumed(batch.batch_id)
