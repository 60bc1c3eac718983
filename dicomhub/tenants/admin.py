"""Tenants, application entities and the people who may sign in, in Django admin."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.options import InlineModelAdmin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from unfold.admin import ModelAdmin, TabularInline
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from dicomhub.tenants.models import AdmissionPolicy, ApplicationEntity, Tenant, TenantValue
from dicomhub.tenants.services import admission_policy
from dicomhub.tenants.validation import lines_of


class ApplicationEntityInline(TabularInline):
    model = ApplicationEntity
    extra = 0
    fields = ("ae_title", "role", "description")
    show_change_link = True


class TenantValueInline(TabularInline):
    model = TenantValue
    extra = 0
    fields = ("value",)


@admin.register(Tenant)
class TenantAdmin(ModelAdmin):
    list_display = ("name", "title", "duplicate_policy")
    fields = ("name", "title", "duplicate_policy")
    search_fields = ("name", "title")
    # Other rooms add what they keep for a tenant.
    inlines: ClassVar[tuple[type[InlineModelAdmin[Any, Any]], ...]] = (
        ApplicationEntityInline,
        TenantValueInline,
    )

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
    list_display = (
        "ae_title",
        "role",
        "tenant",
        "permitted_networks",
        "permitted_sop_classes",
        "description",
    )
    fieldsets = (
        (None, {"fields": ("ae_title", "role", "tenant", "description")}),
        ("Permitted; what is empty goes by the admission policy", {"fields": ("networks", "sop_classes")}),
    )
    list_filter = ("role", "tenant")
    list_select_related = ("tenant",)
    search_fields = ("ae_title", "description")

    @admin.display(description="from")
    def permitted_networks(self, entity: ApplicationEntity) -> str:
        return ", ".join(lines_of(entity.networks))

    @admin.display(description="SOP classes")
    def permitted_sop_classes(self, entity: ApplicationEntity) -> str:
        return ", ".join(lines_of(entity.sop_classes))


@admin.register(AdmissionPolicy)
class AdmissionPolicyAdmin(ModelAdmin):
    """The one row: its list is its page."""

    fieldsets = (
        ("AE titles", {"fields": ("called_ae_titles", "calling_ae_titles")}),
        (
            "Permitted where an application entity says nothing; empty permits all",
            {"fields": ("networks", "sop_classes")},
        ),
        (
            "Tenants by an attribute of the data set",
            {"fields": ("tenant_attribute", "private_creator", "unknown_tenant_values")},
        ),
    )

    def has_add_permission(self, _request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: AdmissionPolicy | None = None) -> bool:
        return False

    def changelist_view(  # type: ignore[override] # a redirect is an answer too
        self, request: HttpRequest, _extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        return redirect("admin:tenants_admissionpolicy_change", admission_policy().pk)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        super().save_model(request, obj, form, change)
        calling = ApplicationEntity.objects.filter(role=ApplicationEntity.Role.CALLING)
        if obj.calling_ae_titles == AdmissionPolicy.Titles.CLOSED and not calling.exists():
            messages.warning(request, "Nobody may send now: there is no application entity that is calling.")


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
