from django.contrib import admin
from unfold.contrib.filters.admin import RangeDateTimeFilter

from dicomhub.archive.pages import text
from dicomhub.transcoding.models import TranscodeAttempt
from dicomhub.transcoding.pages.of_instance import OfInstanceAdmin


class TranscodeAttemptAdmin(OfInstanceAdmin):
    list_display = (
        "moment",
        "outcome_label",
        "source",
        "target",
        "codec",
        "proved_with",
        "took",
        "manufacturer",
        "reason_line",
        "series",
    )
    list_filter = ("outcome", ("at", RangeDateTimeFilter))
    ordering = ("-at", "-id")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("moment", "outcome"),
                    ("source", "target"),
                    ("codec", "proved_with"),
                    ("attempt", "took"),
                    ("frames", "manufacturer"),
                    ("size_in", "size_out"),
                    ("tenant", "batch"),
                    "reason",
                    "instance",
                    "series",
                )
            },
        ),
    )

    @admin.display(description="At (UTC)", ordering="at")
    def moment(self, attempt: TranscodeAttempt) -> str:
        return text.moment(attempt.at)

    @admin.display(description="Seconds", ordering="seconds")
    def took(self, attempt: TranscodeAttempt) -> str:
        return f"{attempt.seconds:.2f}"

    @admin.display(description="Size of original")
    def size_in(self, attempt: TranscodeAttempt) -> str:
        return text.size(attempt.bytes_in)

    @admin.display(description="Size of rendition")
    def size_out(self, attempt: TranscodeAttempt) -> str:
        return text.size(attempt.bytes_out)
