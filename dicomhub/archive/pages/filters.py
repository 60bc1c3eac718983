"""The admin's filters that Django does not bring."""

from typing import Any

from django.contrib.admin.options import ModelAdmin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import MultipleDropdownFilter

from dicomhub.archive.models import Series, Study


class _ByModality(MultipleDropdownFilter):
    title = "modality"
    parameter_name = "modality"

    def lookups(self, _request: HttpRequest, _model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        modalities = (
            Series.objects.exclude(modality="").order_by("modality").values_list("modality", flat=True)
        )
        return [(modality, modality) for modality in modalities.distinct()]

    def wanted(self) -> list[str]:
        return [value for value in self.value() or [] if value]


class ModalityFilter(_ByModality):
    """Of series."""

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Series]) -> QuerySet[Series]:
        return queryset.filter(modality__in=self.wanted()) if self.wanted() else queryset


class ModalityInStudyFilter(_ByModality):
    """Of studies: those with at least one series of it."""

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Study]) -> QuerySet[Study]:
        if not self.wanted():
            return queryset
        series = Series.objects.filter(study=OuterRef("pk"), modality__in=self.wanted())
        return queryset.filter(Exists(series))
