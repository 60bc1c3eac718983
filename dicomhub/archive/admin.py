"""The archive in Django admin."""

from django.contrib import admin

from dicomhub.archive.models import Batch, Patient, Series, Study
from dicomhub.archive.pages.batch import BatchAdmin
from dicomhub.archive.pages.patient import PatientAdmin
from dicomhub.archive.pages.series import SeriesAdmin
from dicomhub.archive.pages.study import StudyAdmin

admin.site.register(Patient, PatientAdmin)
admin.site.register(Study, StudyAdmin)
admin.site.register(Series, SeriesAdmin)
admin.site.register(Batch, BatchAdmin)
