"""Transcoding in the database: each tenant's policy, a log of attempts, and what could not be rendered.

UIDs and tenants are plain text here: the log outlives what it speaks of.
"""

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models

from dicomhub.tenants.models import Tenant
from tasks.transcode.orders import Outcome
from tasks.transcode.settings import (
    CORNERSTONE_TRANSFER_SYNTAXES,
    NAMES,
    NEAR_MAX,
    RATIO_MAX,
    TARGETS,
    TranscodeSettings,
    TranscodeSettingsInvalid,
)

OUTCOMES = [(outcome.value, outcome.value.replace("_", " ")) for outcome in Outcome]


def _uid(label: str | None = None) -> "models.CharField[str, str]":
    return models.CharField(label, max_length=64)


def default_viewer_transfer_syntaxes() -> list[str]:
    return sorted(CORNERSTONE_TRANSFER_SYNTAXES)


class TranscodePolicy(models.Model):
    """What a tenant's viewers decode, and what the rest becomes. A tenant without one has the defaults."""

    tenant = models.OneToOneField(
        Tenant, models.CASCADE, primary_key=True, related_name="transcode_policy", editable=False
    )
    viewer_transfer_syntaxes = models.JSONField(
        default=default_viewer_transfer_syntaxes,
        help_text="Instances in any other transfer syntax get a rendition. The originals stay.",
    )
    target_transfer_syntax_uid = models.CharField(
        "Renditions are made in",
        max_length=64,
        default=TranscodeSettings().target_transfer_syntax_uid,
        choices=[(uid, NAMES[uid]) for uid in TARGETS],
        help_text="Where it cannot hold an instance's pixels: Explicit VR Little Endian.",
    )
    near = models.PositiveSmallIntegerField(
        "NEAR",
        default=0,
        validators=[MaxValueValidator(NEAR_MAX)],
        help_text="JPEG-LS near-lossless only: by how much a sample may differ. 0 otherwise.",
    )
    ratio = models.FloatField(
        default=0.0,
        validators=[MaxValueValidator(RATIO_MAX)],
        help_text="JPEG 2000 with loss only: 10 stands for 1 to 10. 0 otherwise.",
    )

    class Meta:
        verbose_name = "transcode policy"
        verbose_name_plural = "transcode policies"

    def __str__(self) -> str:
        return f"Transcoding of {self.tenant_id}"

    def clean(self) -> None:
        try:
            self.settings()
        except TranscodeSettingsInvalid as invalid:
            raise ValidationError(dict(invalid.problems)) from invalid

    def settings(self) -> TranscodeSettings:
        """Raises TranscodeSettingsInvalid."""
        return TranscodeSettings(
            viewer_transfer_syntaxes=frozenset(map(str, self.viewer_transfer_syntaxes)),
            target_transfer_syntax_uid=self.target_transfer_syntax_uid,
            near=self.near,
            ratio=self.ratio,
        )


class _OfInstance(models.Model):
    tenant = models.CharField(max_length=64)
    study_instance_uid = _uid("Study Instance UID")
    series_instance_uid = _uid("Series Instance UID")
    sop_instance_uid = _uid("SOP Instance UID")
    sop_class_uid = models.CharField("SOP Class UID", max_length=64, blank=True, default="")
    manufacturer = models.CharField(max_length=64, blank=True, default="")
    source_transfer_syntax_uid = models.CharField("transfer syntax", max_length=64, blank=True, default="")
    target_transfer_syntax_uid = models.CharField("rendered as", max_length=64, blank=True, default="")
    codec = models.CharField(max_length=64, blank=True, default="")
    outcome = models.CharField(max_length=16, choices=OUTCOMES)
    reason = models.TextField(blank=True, default="")

    class Meta:
        abstract = True


class TranscodeAttempt(_OfInstance):
    """One try at one instance with one decoder; codec is "" when it came to none.

    attempt counts the tries at these bytes, from 1. bytes_in is the archived file's size, bytes_out the
    rendition's. is_spooled: its row is on its way to the warehouse.
    """

    at = models.DateTimeField()
    batch = models.CharField(max_length=128, blank=True, default="")
    attempt = models.PositiveIntegerField()
    seconds = models.FloatField()
    frames = models.PositiveIntegerField(default=0)
    bytes_in = models.PositiveBigIntegerField()
    bytes_out = models.PositiveBigIntegerField(default=0)
    proved_with = models.CharField(max_length=64, blank=True, default="")
    is_spooled = models.BooleanField(default=False, editable=False)

    class Meta:
        ordering = ("-id",)
        indexes = (
            models.Index(fields=("id",), condition=models.Q(is_spooled=False), name="attempt_to_spool"),
            models.Index(fields=("at",), name="attempt_by_time"),
            models.Index(fields=("series_instance_uid",), name="attempt_by_series"),
        )

    def __str__(self) -> str:
        return f"{self.sop_instance_uid} with {self.codec or 'no codec'}: {self.outcome}"


class UnrenderedInstance(_OfInstance):
    """An instance that viewers cannot decode and that has no rendition: how the last try at it ended.

    size_bytes and mtime_ns are those of the archived file that was tried, settings_key stands for the
    settings: an instance that has others since is tried anew. tried has the decoders that have failed,
    each with the outcome.
    """

    class State(models.TextChoices):
        DUE = "due", "decoders are left"  # its batch goes on with it
        RETRY = "retry", "to be tried again"
        GIVEN_UP = "given up", "given up"

    state = models.CharField(max_length=16, choices=State)
    size_bytes = models.PositiveBigIntegerField()
    mtime_ns = models.BigIntegerField()
    settings_key = models.CharField(max_length=16)
    tried = models.JSONField(default=dict)
    attempts = models.PositiveIntegerField()
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("-updated_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "study_instance_uid", "series_instance_uid", "sop_instance_uid"),
                name="unrendered_instance",
            ),
        )
        indexes = (
            models.Index(fields=("updated_at",), name="unrendered_by_time"),
            models.Index(fields=("state", "updated_at"), name="unrendered_by_state"),
        )

    def __str__(self) -> str:
        return f"{self.sop_instance_uid}: {self.outcome}"
