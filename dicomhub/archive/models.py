"""What the archive knows of patients, studies, series and batches. There is no table of instances.

Attributes are copied from the newest instance's header (attributes_received_at says which that was); counts
are counted from the store, never added up. verbatim keeps the text of what a column could not take as it was.
"""

from django.db import models

from dicomhub.archive.person_name import WORD_MAX_LENGTH
from dicomhub.archive.typed_value import FOLDED_MAX_LENGTH, NAME_MAX_LENGTH, TEXT_MAX_LENGTH
from dicomhub.tenants.models import Tenant
from tasks.route import RECEIVED


def _uid() -> "models.CharField[str, str]":
    return models.CharField(max_length=64)


def _text(label: str | None = None) -> "models.CharField[str, str]":
    return models.CharField(label, max_length=TEXT_MAX_LENGTH, blank=True, default="")


def _name() -> "models.CharField[str, str]":
    """A person name with all its groups: Yamada^Tarou=山田^太郎=やまだ^たろう."""
    return models.CharField(max_length=NAME_MAX_LENGTH, blank=True, default="")


def _folded_name() -> "models.CharField[str, str]":
    """The same as searches see it, see dicomhub.archive.person_name."""
    return models.CharField(max_length=FOLDED_MAX_LENGTH, blank=True, default="", editable=False)


def _list() -> "models.TextField[str, str]":
    return models.TextField(blank=True, default="")


def _search_index(*fields: str, name: str) -> models.Index:
    """An index that serves equality and, on PostgreSQL too, patterns with a fixed beginning."""
    return models.Index(fields=fields, opclasses=["varchar_pattern_ops"] * len(fields), name=name)


class _Attributes(models.Model):
    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="+", db_index=False)
    verbatim = models.JSONField(default=dict, blank=True, editable=False)
    attributes_received_at = models.DateTimeField(null=True, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True

    @property
    def tenant_name(self) -> str:
        return self.tenant_id


class Patient(_Attributes):
    """key tells patients apart, see dicomhub.archive.incoming.patient_key."""

    key = models.CharField(max_length=64, editable=False)
    patient_id = _text("Patient ID")
    issuer_of_patient_id = _text("Issuer of Patient ID")
    patient_name = _name()
    patient_name_folded = _folded_name()
    patient_birth_date = models.DateField(null=True)
    patient_sex = _text()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("tenant", "key"), name="patient_key_in_tenant"),)
        indexes = (
            _search_index("tenant", "patient_id", name="patient_by_id"),
            _search_index("tenant", "patient_name_folded", name="patient_by_name"),
            models.Index(fields=("tenant", "patient_birth_date"), name="patient_by_birth_date"),
        )

    def __str__(self) -> str:
        return self.patient_name or self.patient_id or "(no name, no ID)"


class PatientNameWord(models.Model):
    """A word of a patient's name, folded: what fuzzy matching looks up. See dicomhub.archive.name_words."""

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="+", db_index=False)
    patient = models.ForeignKey(Patient, models.CASCADE, related_name="name_words")
    word = models.CharField(max_length=WORD_MAX_LENGTH)

    class Meta:
        indexes = (
            models.Index(
                fields=("tenant", "word", "patient"),
                opclasses=("varchar_pattern_ops", "varchar_pattern_ops", "int8_ops"),
                name="patient_by_name_word",
            ),
        )

    def __str__(self) -> str:
        return self.word


class _Documented(_Attributes):
    """revision grows whenever instances change; document_revision is the one the document was built from."""

    number_of_instances = models.PositiveIntegerField(default=0)
    size_bytes = models.PositiveBigIntegerField(default=0)
    revision = models.PositiveBigIntegerField(default=0)
    document_revision = models.PositiveBigIntegerField(default=0)

    class Meta:
        abstract = True

    @property
    def is_document_fresh(self) -> bool:
        return self.document_revision == self.revision


class Study(_Documented):
    """study_date_time orders lists: YYYYMMDDHHMMSS or "", for each database sorts nulls its own way."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="studies")
    study_instance_uid = _uid()
    study_date = models.DateField(null=True)
    study_time = models.TimeField(null=True)
    study_date_time = models.CharField(max_length=14, default="", editable=False)
    accession_number = _text()
    study_id = _text("Study ID")
    study_description = _text()
    referring_physician_name = _name()
    referring_physician_name_folded = _folded_name()
    patient_age = _text()
    timezone_offset_from_utc = _text()
    modalities_in_study = _list()
    sop_classes_in_study = _list()
    number_of_series = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "studies"
        constraints = (
            models.UniqueConstraint(fields=("tenant", "study_instance_uid"), name="study_uid_in_tenant"),
        )
        indexes = (
            models.Index(fields=("tenant", "study_date_time", "id"), name="study_by_date_time"),
            models.Index(fields=("tenant", "study_date"), name="study_by_date"),
            _search_index("tenant", "accession_number", name="study_by_accession_number"),
            _search_index("tenant", "referring_physician_name_folded", name="study_by_physician"),
            models.Index(fields=("tenant", "attributes_received_at"), name="study_by_received"),
        )

    def __str__(self) -> str:
        return self.study_description or self.study_instance_uid


class Series(_Documented):
    """Unique in its study only: sloppy anonymisers give one series UID to several studies."""

    study = models.ForeignKey(Study, models.PROTECT, related_name="series", db_index=False)
    series_instance_uid = _uid()
    modality = _text()
    series_number = models.IntegerField(null=True)
    series_date = models.DateField(null=True)
    series_time = models.TimeField(null=True)
    series_description = _text()
    body_part_examined = _text()
    laterality = _text()
    protocol_name = _text()
    performed_procedure_step_start_date = models.DateField(null=True)
    performed_procedure_step_start_time = models.TimeField(null=True)
    performed_procedure_step_id = _text()
    institution_name = _text()
    institutional_department_name = _text()
    manufacturer = _text()
    manufacturer_model_name = _text()
    station_name = _text()
    device_serial_number = _text()
    timezone_offset_from_utc = _text()
    performing_physician_name = _list()
    performing_physician_name_folded = _list()
    operators_name = _list()
    operators_name_folded = _list()
    request_attributes_sequence = models.JSONField(default=list, blank=True)
    scheduled_procedure_step_id = _list()
    requested_procedure_id = _list()
    sop_class_uids = _list()

    class Meta:
        verbose_name_plural = "series"
        constraints = (
            models.UniqueConstraint(fields=("study", "series_instance_uid"), name="series_uid_in_study"),
        )
        indexes = (
            models.Index(fields=("tenant", "series_instance_uid"), name="series_by_uid"),
            models.Index(fields=("tenant", "modality"), name="series_by_modality"),
            models.Index(fields=("study", "modality"), name="series_by_study_modality"),
            models.Index(
                fields=("tenant", "performed_procedure_step_start_date"), name="series_by_step_start_date"
            ),
        )

    def __str__(self) -> str:
        label = " ".join(filter(None, (self.modality, self.series_description)))
        return label or self.series_instance_uid


class Batch(models.Model):
    """Where a batch stands in the pipeline.

    stage is the last stage that it has passed. attempts counts its runs through the pipeline, the first one
    included. manifest is the batch as it was published, dropped once all stages are passed.
    """

    class State(models.TextChoices):
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    batch_id = models.CharField("Batch ID", max_length=128, primary_key=True)
    state = models.CharField(max_length=16, choices=State, default=State.RUNNING)
    stage = models.CharField(max_length=32, default=RECEIVED)
    attempts = models.PositiveIntegerField(default=1)
    error = models.TextField(blank=True, default="")
    manifest = models.JSONField(null=True, editable=False)
    number_of_instances = models.PositiveIntegerField(default=0)
    size_bytes = models.PositiveBigIntegerField(default=0)
    series = models.ManyToManyField(Series, related_name="batches", editable=False)
    received_at = models.DateTimeField(null=True)
    indexed_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "batches"
        ordering = ("-updated_at",)
        indexes = (
            models.Index(fields=("state", "updated_at"), name="batch_by_state"),
            models.Index(fields=("finished_at",), name="batch_by_finished"),
            models.Index(fields=("updated_at",), name="batch_by_updated"),
        )

    def __str__(self) -> str:
        return self.batch_id
