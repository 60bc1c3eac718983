from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import RangeDateFilter

from dicomhub.archive.models import Patient, Study
from dicomhub.archive.pages import text
from dicomhub.archive.pages.read_only import ReadOnlyAdmin


class PatientAdmin(ReadOnlyAdmin):
    list_display = (
        "name",
        "patient_id",
        "birth_date",
        "patient_sex",
        "held_studies",
        "last_received",
        "tenant_name",
    )
    list_filter = ("tenant", ("patient_birth_date", RangeDateFilter), "patient_sex")
    ordering = ("-attributes_received_at", "-id")
    name_search_fields = ("patient_name",)
    text_search_fields = ("patient_id",)
    search_fields = ("patient_name",)
    search_help_text = "Name or Patient ID"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("name", "patient_name"),
                    ("patient_id", "issuer_of_patient_id"),
                    ("birth_date", "patient_sex"),
                    ("tenant_name", "last_received"),
                )
            },
        ),
    )
    child_headers = (
        "Study date",
        "Description",
        "Accession number",
        "Modalities",
        "Series",
        "Instances",
        "Size",
    )

    def get_queryset(self, _request: HttpRequest) -> QuerySet[Patient]:
        return Patient.objects.annotate(study_count=Count("studies"))

    def children(self, row: Patient) -> QuerySet[Study]:
        return row.studies.order_by("-study_date_time", "-id")

    def child_cells(self, _row: Patient, child: Study) -> list[object]:
        when = text.day_and_time(child.study_date, child.study_time)
        return text.lines(
            (
                text.link(text.page_of(child), when),
                child.study_description,
                child.accession_number,
                text.listed(child.modalities_in_study),
                child.number_of_series,
                child.number_of_instances,
                text.size(child.size_bytes),
            )
        )

    @admin.display(description="Patient", ordering="patient_name_folded")
    def name(self, patient: Patient) -> str:
        return text.person(patient.patient_name)

    @admin.display(description="Born", ordering="patient_birth_date")
    def birth_date(self, patient: Patient) -> str:
        return text.day(patient.patient_birth_date, patient.verbatim.get("PatientBirthDate", ""))

    @admin.display(description="Studies", ordering="study_count")
    def held_studies(self, patient: Patient) -> int:
        count: int = patient.study_count  # type: ignore[attr-defined] # annotated in get_queryset
        return count

    @admin.display(description="Last received (UTC)", ordering="attributes_received_at")
    def last_received(self, patient: Patient) -> str:
        return text.moment(patient.attributes_received_at)

    @admin.display(description="Tenant", ordering="tenant")
    def tenant_name(self, patient: Patient) -> str:
        return patient.tenant_name
