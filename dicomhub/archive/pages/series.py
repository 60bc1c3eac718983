from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import RangeDateFilter

from dicomhub.archive.models import Series
from dicomhub.archive.pages import text
from dicomhub.archive.pages.filters import ModalityFilter
from dicomhub.archive.pages.read_only import ReadOnlyAdmin
from dicomhub.storage.filesystem import open_store
from dicomhub.storage.instance_file import InstanceFile


class SeriesAdmin(ReadOnlyAdmin):
    list_display = (
        "title",
        "series_number",
        "modality",
        "patient_name",
        "study_date",
        "body_part_examined",
        "station_name",
        "held_instances",
        "size",
        "tenant_name",
    )
    list_filter = (
        ModalityFilter,
        ("study__study_date", RangeDateFilter),
        "tenant",
    )
    ordering = ("-attributes_received_at", "-id")
    name_search_fields = ("study__patient__patient_name",)
    text_search_fields = ("study__patient__patient_id", "study__accession_number", "series_description")
    uid_search_fields = ("series_instance_uid", "study__study_instance_uid")
    search_fields = ("series_description",)
    search_help_text = "Name, ID, accession number, description, UID"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("patient_link", "study_link"),
                    ("modality", "series_number"),
                    ("series_description", "protocol_name"),
                    ("body_part_examined", "laterality"),
                    ("counts", "last_received"),
                    ("tenant_name", "document"),
                    "uid",
                )
            },
        ),
        (
            "Acquired",
            {
                "fields": (
                    ("acquired", "step_started"),
                    ("institution_name", "institutional_department_name"),
                    ("manufacturer", "manufacturer_model_name"),
                    ("station_name", "device_serial_number"),
                    ("performing_physician", "operators"),
                )
            },
        ),
    )
    child_headers = ("SOP Instance UID", "Size", "Archived (UTC)", "DICOMweb")

    def get_queryset(self, _request: HttpRequest) -> QuerySet[Series]:
        return Series.objects.select_related("study__patient")

    def children(self, row: Series) -> list[InstanceFile]:
        """There is no table of instances: the store's folder is the list."""
        store = open_store(settings.ENVIRONMENT)
        return store.instance_files(row.tenant_name, row.study.study_instance_uid, row.series_instance_uid)

    def child_cells(self, row: Series, child: InstanceFile) -> list[object]:
        address = text.dicomweb_path(
            row.tenant_name, row.study.study_instance_uid, row.series_instance_uid, child.sop_instance_uid
        )
        resources = format_html(
            "{} &nbsp; {}", text.link(address, "instance"), text.link(f"{address}/metadata", "metadata")
        )
        uid = format_html(text.MONOSPACED, child.sop_instance_uid)
        return [uid, text.size(child.size_bytes), text.moment(child.modified_at), resources]

    @admin.display(description="Series", ordering="series_description")
    def title(self, series: Series) -> str:
        return series.series_description or text.NOTHING

    @admin.display(description="Patient", ordering="study__patient__patient_name_folded")
    def patient_name(self, series: Series) -> str:
        return text.person(series.study.patient.patient_name)

    @admin.display(description="Patient")
    def patient_link(self, series: Series) -> SafeString:
        patient = series.study.patient
        return text.link(text.page_of(patient), text.person(patient.patient_name))

    @admin.display(description="Study")
    def study_link(self, series: Series) -> SafeString:
        study = series.study
        when = text.day_and_time(study.study_date, study.study_time)
        return text.link(text.page_of(study), f"{when} {study.study_description}".strip())

    @admin.display(description="Study date", ordering="study__study_date_time")
    def study_date(self, series: Series) -> SafeString:
        study = series.study
        return text.unbroken(text.day(study.study_date, study.verbatim.get("StudyDate", "")))

    @admin.display(description="Holds")
    def counts(self, series: Series) -> str:
        return text.instances(series.number_of_instances, series.size_bytes)

    @admin.display(description="Instances", ordering="number_of_instances")
    def held_instances(self, series: Series) -> int:
        return series.number_of_instances

    @admin.display(description="Size", ordering="size_bytes")
    def size(self, series: Series) -> str:
        return text.size(series.size_bytes)

    @admin.display(description="Series date")
    def acquired(self, series: Series) -> str:
        return text.day_and_time(series.series_date, series.series_time)

    @admin.display(description="Performed procedure step started")
    def step_started(self, series: Series) -> str:
        return text.day_and_time(
            series.performed_procedure_step_start_date, series.performed_procedure_step_start_time
        )

    @admin.display(description="Performing physician")
    def performing_physician(self, series: Series) -> str:
        return text.names(series.performing_physician_name)

    @admin.display(description="Operators")
    def operators(self, series: Series) -> str:
        return text.names(series.operators_name)

    @admin.display(description="Last received (UTC)", ordering="attributes_received_at")
    def last_received(self, series: Series) -> str:
        return text.moment(series.attributes_received_at)

    @admin.display(description="Series Instance UID")
    def uid(self, series: Series) -> SafeString:
        address = text.dicomweb_path(
            series.tenant_name, series.study.study_instance_uid, series.series_instance_uid
        )
        return text.link(f"{address}/metadata", series.series_instance_uid)

    @admin.display(description="Metadata document up to date", boolean=True)
    def document(self, series: Series) -> bool:
        return series.is_document_fresh

    @admin.display(description="Tenant", ordering="tenant")
    def tenant_name(self, series: Series) -> str:
        return series.tenant_name
