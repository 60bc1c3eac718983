"""What the lists of attempts and of unrendered instances have in common."""

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from dicomhub.archive.models import Series
from dicomhub.archive.pages import text
from dicomhub.archive.pages.read_only import ReadOnlyAdmin
from dicomhub.transcoding.pages import words


class OfInstanceAdmin(ReadOnlyAdmin):
    uid_search_fields = ("sop_instance_uid", "series_instance_uid", "study_instance_uid")
    text_search_fields = ("reason", "manufacturer")
    search_fields = ("sop_instance_uid",)
    search_help_text = "UID, reason, manufacturer"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the series' row, where there is one."""
        series = Series.objects.filter(
            tenant=OuterRef("tenant"),
            study__study_instance_uid=OuterRef("study_instance_uid"),
            series_instance_uid=OuterRef("series_instance_uid"),
        )
        rows: QuerySet[Any] = super().get_queryset(request)
        with_series: QuerySet[Any] = rows.annotate(series_id=Subquery(series.values("pk")[:1]))
        return with_series

    @display(description="Outcome", ordering="outcome", label=words.OUTCOME_LABELS)
    def outcome_label(self, row: Any) -> tuple[str, str]:
        return row.outcome, row.get_outcome_display()

    @admin.display(description="Transfer syntax", ordering="source_transfer_syntax_uid")
    def source(self, row: Any) -> str:
        return words.transfer_syntax(row.source_transfer_syntax_uid)

    @admin.display(description="Rendered as", ordering="target_transfer_syntax_uid")
    def target(self, row: Any) -> str:
        return words.transfer_syntax(row.target_transfer_syntax_uid)

    @admin.display(description="Series")
    def series(self, row: Any) -> SafeString | str:
        return words.series_link(row.series_id, row.series_instance_uid)

    @admin.display(description="Instance")
    def instance(self, row: Any) -> SafeString:
        return words.instance_link(row)

    @admin.display(description="Reason")
    def reason_line(self, row: Any) -> str:
        return text.first_line(row.reason)
