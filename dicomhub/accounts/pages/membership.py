"""Memberships of people and groups in admin."""

from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from dicomhub.accounts.models import TenantMembership
from dicomhub.accounts.pages.token import SWITCHES


class TenantMembershipAdmin(ModelAdmin):
    list_display = ("who", "tenant", *SWITCHES)
    list_filter = ("tenant", "group")
    list_select_related = ("user", "group", "tenant")
    search_fields = ("user__username", "group__name")
    autocomplete_fields = ("user", "group", "tenant")
    fieldsets = (
        (None, {"fields": (("user", "group"), "tenant")}),
        ("May do there", {"fields": SWITCHES}),
    )
    list_fullwidth = True

    @display(description="who", ordering="user__username")
    def who(self, membership: TenantMembership) -> str:
        return str(membership.user) if membership.group is None else f"{membership.group} (group)"


class TenantMembershipInline(TabularInline):
    model = TenantMembership
    extra = 0
    autocomplete_fields = ("user", "group")
    fields = ("user", "group", *SWITCHES)
