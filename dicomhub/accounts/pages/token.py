"""API tokens in admin: made there, shown once, changed, and revoked for good."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.cache import add_never_cache_headers
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from dicomhub.accounts.models import ApiToken
from dicomhub.accounts.tokens import MARK, revoke, sealed

SWITCHES = ("may_read", "may_search", "may_store", "may_delete")
_HISTORY = ("state", "shown_prefix", "created_by", "created_at", "last_used_at", "revoked_at")


class ApiTokenAdmin(ModelAdmin):
    list_display = (
        "name",
        "state",
        "scope_names",
        "tenant_names",
        "shown_prefix",
        "last_used_at",
        "expires_at",
    )
    list_filter = ("tenants",)
    search_fields = ("name", "prefix")
    actions = ("revoke_chosen",)
    actions_submit_line = ("revoke_this",)  # type: ignore[assignment] # meant to be set
    autocomplete_fields = ("tenants",)
    readonly_fields = _HISTORY
    list_fullwidth = True
    empty_value_display = "–"  # noqa: RUF001 - a dash as typographers use it

    def get_fieldsets(self, _request: HttpRequest, obj: Model | None = None) -> Any:
        chosen = (
            (None, {"fields": ("name", "tenants", "expires_at")}),
            ("It may", {"fields": SWITCHES}),
        )
        return chosen if obj is None else (*chosen, ("What became of it", {"fields": _HISTORY}))

    def get_queryset(self, request: HttpRequest) -> "QuerySet[ApiToken]":
        return super().get_queryset(request).prefetch_related("tenants").select_related("created_by")

    def has_change_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        """A revoked one stays as it was, for whoever reads the access log."""
        is_allowed: bool = super().has_change_permission(request, obj)
        return is_allowed and not (isinstance(obj, ApiToken) and obj.state == "revoked")

    def has_delete_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        if not change:
            obj.created_by = request.user
            obj.text = sealed(obj)
        super().save_model(request, obj, form, change)

    def response_add(
        self, request: HttpRequest, obj: Any, _post_url_continue: str | None = None
    ) -> HttpResponse:
        """The one page that has the token: it cannot be had again, and no cache keeps it."""
        context = {**self.admin_site.each_context(request), "title": f"API token {obj}", "text": obj.text}
        response = TemplateResponse(request, "accounts/token_made.html", context)
        add_never_cache_headers(response)
        return response

    @admin.action(description="Revoke the chosen tokens", permissions=["change"])
    def revoke_chosen(self, request: HttpRequest, tokens: "QuerySet[ApiToken]") -> None:
        for token in tokens:
            revoke(token)
        messages.success(request, "Revoked: " + ", ".join(token.name for token in tokens))

    @action(description="Revoke")  # type: ignore[operator] # its annotation forgets what it returns
    def revoke_this(self, _request: HttpRequest, token: ApiToken) -> None:
        revoke(token)

    @display(description="state", label={"valid": "success", "expired": "warning", "revoked": "danger"})
    def state(self, token: ApiToken) -> str:
        return token.state

    @display(description="it may")
    def scope_names(self, token: ApiToken) -> str:
        return ", ".join(sorted(token.scopes))

    @display(description="in")
    def tenant_names(self, token: ApiToken) -> str:
        return ", ".join(tenant.name for tenant in token.tenants.all())

    @display(description="begins with")
    def shown_prefix(self, token: ApiToken) -> SafeString:
        return format_html('<code class="font-mono text-xs">{}{}</code>', MARK, token.prefix)
