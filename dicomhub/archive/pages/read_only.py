"""The pages of what came with the images: to be looked at, searched and filtered, never edited."""

from typing import Any, ClassVar, TypeVar

from django.contrib.admin import ShowFacets
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin

from dicomhub.archive.pages.search import search_condition
from dicomhub.archive.pages.text import NOTHING

M = TypeVar("M", bound=Model)
CHILDREN_PER_PAGE = 100
CHILD_PAGE_PARAMETER = "children_page"


class ReadOnlyAdmin(ModelAdmin):
    """child_title and child_table give a row's page the table of what lies below it."""

    list_per_page = 50
    empty_value_display = NOTHING
    list_filter_submit = True
    list_fullwidth = True
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    change_form_outer_after_template = "archive/child_table.html"  # type: ignore[assignment] # meant to be set
    name_search_fields: ClassVar[tuple[str, ...]] = ()
    text_search_fields: ClassVar[tuple[str, ...]] = ()
    uid_search_fields: ClassVar[tuple[str, ...]] = ()
    child_headers: ClassVar[tuple[str, ...]] = ()

    def has_add_permission(self, _request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        return False

    def get_search_results(
        self, _request: HttpRequest, queryset: QuerySet[M], search_term: str
    ) -> tuple[QuerySet[M], bool]:
        condition = search_condition(
            search_term,
            names=self.name_search_fields,
            texts=self.text_search_fields,
            uids=self.uid_search_fields,
        )
        return queryset.filter(condition), False

    def children(self, row: Any) -> Any:
        """What lies below a row, in the order to be shown: a list or a query set."""
        raise NotImplementedError

    def child_cells(self, row: Any, child: Any) -> list[object]:
        """A child's cells, one for each of child_headers."""
        raise NotImplementedError

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        context = dict(extra_context or {})
        if row is not None and self.child_headers:
            context["child_table"] = self._child_table(row, request.GET.get(CHILD_PAGE_PARAMETER, "1"))
        return super().change_view(request, object_id, form_url, context)

    def _child_table(self, row: Model, page_number: str) -> dict[str, Any]:
        page = Paginator(self.children(row), CHILDREN_PER_PAGE).get_page(page_number)
        cells = [self.child_cells(row, child) for child in page]
        return {"headers": self.child_headers, "rows": cells, "page": page, "parameter": CHILD_PAGE_PARAMETER}
