from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import RangeDateFilter

from dicomhub.archive.models import Series, Study
from dicomhub.archive.pages import text
from dicomhub.archive.pages.filters import ModalityInStudyFilter
from dicomhub.archive.pages.read_only import ReadOnlyAdmin


class StudyAdmin(ReadOnlyAdmin):
    list_display = (
        "patient_name",
        "patient_identifier",
        "when",
        "study_description",
        "accession_number",
        "modalities",
        "held_series",
        "held_instances",
        "size",
        "tenant_name",
    )
    list_filter = (ModalityInStudyFilter, ("study_date", RangeDateFilter), "tenant")
    ordering = ("-study_date_time", "-id")
    name_search_fields = ("patient__patient_name",)
    text_search_fields = ("patient__patient_id", "accession_number", "study_description")
    uid_search_fields = ("study_instance_uid",)
    search_fields = ("accession_number",)
    search_help_text = "Name, ID, accession number, description, UID"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("patient_link", "patient_identifier"),
                    ("when", "accession_number"),
                    ("study_description", "modalities"),
                    ("referring_physician", "patient_age"),
                    ("counts", "last_received"),
                    ("tenant_name", "document"),
                    "uid",
                )
            },
        ),
    )
    child_headers = ("No.", "Modality", "Description", "Body part", "Protocol", "Device", "Instances", "Size")

    def get_queryset(self, _request: HttpRequest) -> QuerySet[Study]:
        return Study.objects.select_related("patient")

    def children(self, row: Study) -> QuerySet[Series]:
        return row.series.order_by(F("series_number").asc(nulls_last=True), "id")

    def child_cells(self, _row: Study, child: Series) -> list[object]:
        number = text.NOTHING if child.series_number is None else child.series_number
        return text.lines(
            (
                text.link(text.page_of(child), number),
                child.modality,
                text.link(text.page_of(child), child.series_description or text.NOTHING),
                child.body_part_examined,
                child.protocol_name,
                " ".join(filter(None, (child.manufacturer, child.manufacturer_model_name))),
                child.number_of_instances,
                text.size(child.size_bytes),
            )
        )

    @admin.display(description="Patient", ordering="patient__patient_name_folded")
    def patient_name(self, study: Study) -> str:
        return text.person(study.patient.patient_name)

    @admin.display(description="Patient")
    def patient_link(self, study: Study) -> SafeString:
        return text.link(text.page_of(study.patient), text.person(study.patient.patient_name))

    @admin.display(description="Patient ID", ordering="patient__patient_id")
    def patient_identifier(self, study: Study) -> str:
        return study.patient.patient_id or text.NOTHING

    @admin.display(description="Study date", ordering="study_date_time")
    def when(self, study: Study) -> SafeString:
        unread = study.verbatim.get("StudyDate", "")
        return text.unbroken(unread or text.day_and_time(study.study_date, study.study_time))

    @admin.display(description="Referring physician")
    def referring_physician(self, study: Study) -> str:
        return text.person(study.referring_physician_name)

    @admin.display(description="Modalities", ordering="modalities_in_study")
    def modalities(self, study: Study) -> str:
        return text.listed(study.modalities_in_study)

    @admin.display(description="Holds")
    def counts(self, study: Study) -> str:
        held = text.instances(study.number_of_instances, study.size_bytes)
        return f"{study.number_of_series} series, {held}"

    @admin.display(description="Series", ordering="number_of_series")
    def held_series(self, study: Study) -> int:
        return study.number_of_series

    @admin.display(description="Instances", ordering="number_of_instances")
    def held_instances(self, study: Study) -> int:
        return study.number_of_instances

    @admin.display(description="Size", ordering="size_bytes")
    def size(self, study: Study) -> str:
        return text.size(study.size_bytes)

    @admin.display(description="Last received (UTC)", ordering="attributes_received_at")
    def last_received(self, study: Study) -> str:
        return text.moment(study.attributes_received_at)

    @admin.display(description="Study Instance UID")
    def uid(self, study: Study) -> SafeString:
        address = text.dicomweb_path(study.tenant_name, study.study_instance_uid)
        return text.link(f"{address}/metadata", study.study_instance_uid)

    @admin.display(description="Metadata document up to date", boolean=True)
    def document(self, study: Study) -> bool:
        return study.is_document_fresh

    @admin.display(description="Tenant", ordering="tenant")
    def tenant_name(self, study: Study) -> str:
        return study.tenant_name
