"""Who may use DICOMweb, in Django admin."""

from django.contrib import admin

from dicomhub.accounts.models import ApiToken, TenantMembership
from dicomhub.accounts.pages.membership import TenantMembershipAdmin, TenantMembershipInline
from dicomhub.accounts.pages.token import ApiTokenAdmin
from dicomhub.tenants.admin import TenantAdmin

admin.site.register(ApiToken, ApiTokenAdmin)
admin.site.register(TenantMembership, TenantMembershipAdmin)

TenantAdmin.inlines = (*TenantAdmin.inlines, TenantMembershipInline)
