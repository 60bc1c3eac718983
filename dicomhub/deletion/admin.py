"""Deletions in Django admin; and the pages of what can be deleted, with that added."""

from django.contrib import admin

from dicomhub.archive.models import Series, Study
from dicomhub.deletion.models import Deletion
from dicomhub.deletion.pages.deletion import DeletionAdmin
from dicomhub.deletion.pages.from_archive import DeletableSeriesAdmin, DeletableStudyAdmin

admin.site.register(Deletion, DeletionAdmin)
for model, page in ((Study, DeletableStudyAdmin), (Series, DeletableSeriesAdmin)):
    admin.site.unregister(model)
    admin.site.register(model, page)
