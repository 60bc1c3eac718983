"""Transcoding in Django admin: its log, what could not be rendered, and a tenant's policy on the tenant's page."""

from django.contrib import admin

from dicomhub.tenants.models import Tenant
from dicomhub.transcoding.models import TranscodeAttempt, UnrenderedInstance
from dicomhub.transcoding.pages.attempt import TranscodeAttemptAdmin
from dicomhub.transcoding.pages.policy import TranscodePolicyInline
from dicomhub.transcoding.pages.unrendered import UnrenderedInstanceAdmin

admin.site.register(TranscodeAttempt, TranscodeAttemptAdmin)
admin.site.register(UnrenderedInstance, UnrenderedInstanceAdmin)

# The tenants' room knows nothing of what others keep for a tenant.
_tenant_admin = admin.site.get_model_admin(Tenant)
_tenant_admin.inlines = (*_tenant_admin.inlines, TranscodePolicyInline)
