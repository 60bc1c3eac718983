"""Tenants, application entities and the people who may sign in, in Django admin."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from dicomhub.tenants.models import ApplicationEntity, Tenant


class ApplicationEntityInline(TabularInline):
    model = ApplicationEntity
    extra = 0
    fields = ("ae_title", "role", "description")


@admin.register(Tenant)
class TenantAdmin(ModelAdmin):
    list_display = ("name", "title", "duplicate_policy")
    fields = ("name", "title", "duplicate_policy")
    search_fields = ("name", "title")
    inlines = (ApplicationEntityInline,)

    def get_readonly_fields(self, _request: HttpRequest, obj: Tenant | None = None) -> tuple[str, ...]:
        return () if obj is None else ("name",)

    def has_delete_permission(self, request: HttpRequest, obj: Tenant | None = None) -> bool:
        """Whatever is assigned to nobody belongs to the default tenant: it stays."""
        is_allowed: bool = super().has_delete_permission(request, obj)
        return is_allowed and not (obj is not None and obj.is_default)

    def get_actions(self, _request: HttpRequest) -> dict[str, Any]:
        """One at a time is how a tenant is deleted, if it has nothing in the archive."""
        return {}


@admin.register(ApplicationEntity)
class ApplicationEntityAdmin(ModelAdmin):
    list_display = ("ae_title", "role", "tenant", "description")
    list_filter = ("role", "tenant")
    list_select_related = ("tenant",)
    search_fields = ("ae_title", "description")


admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class PersonAdmin(UserAdmin[User], ModelAdmin):  # type: ignore[misc] # Django's stubs are stricter than unfold
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


@admin.register(Group)
class PersonGroupAdmin(GroupAdmin, ModelAdmin):  # type: ignore[misc] # likewise
    pass
