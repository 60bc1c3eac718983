"""Transcoding in Django admin: its log, what could not be rendered, and each tenant's policy."""

from django.contrib import admin

from dicomhub.tenants.admin import TenantAdmin
from dicomhub.transcoding.models import TranscodeAttempt, UnrenderedInstance
from dicomhub.transcoding.pages.attempt import TranscodeAttemptAdmin
from dicomhub.transcoding.pages.policy import TranscodePolicyInline
from dicomhub.transcoding.pages.unrendered import UnrenderedInstanceAdmin

admin.site.register(TranscodeAttempt, TranscodeAttemptAdmin)
admin.site.register(UnrenderedInstance, UnrenderedInstanceAdmin)

TenantAdmin.inlines = (*TenantAdmin.inlines, TranscodePolicyInline)
