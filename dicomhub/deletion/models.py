"""What was deleted, when, by whom and why. UIDs and tenants are plain text: the record outlives the rest."""

from django.db import models
from django.utils import timezone

from dicomhub.intake.journal import new_batch_id


def _uid(label: str) -> "models.CharField[str, str]":
    return models.CharField(label, max_length=64, blank=True, default="")


class Level(models.TextChoices):
    STUDY = "study", "study"
    SERIES = "series", "series"
    INSTANCE = "instance", "instance"


class Deletion(models.Model):
    """A study, a series or an instance that was deleted; UIDs below its level are "".

    began_at_ns is the file system's time: what has got its name in the archive since is not touched. gone is
    the highest level of which nothing was left: an instance may have been the last of its study. is_settled:
    documents, warehouse and the log of what could not be rendered have been told.
    """

    class State(models.TextChoices):
        RUNNING = "running", "being deleted"
        DONE = "done", "deleted"
        RESTORING = "restoring", "being restored"
        RESTORED = "restored", "restored"
        PURGING = "purging", "being purged"
        PURGED = "purged", "purged"

    deletion_id = models.CharField(
        "Deletion ID", max_length=64, primary_key=True, default=new_batch_id, editable=False
    )
    state = models.CharField(max_length=16, choices=State, default=State.RUNNING)
    tenant = models.CharField(max_length=64)
    level = models.CharField(max_length=16, choices=Level)
    gone = models.CharField(max_length=16, choices=Level)
    study_instance_uid = _uid("Study Instance UID")
    series_instance_uid = _uid("Series Instance UID")
    sop_instance_uid = _uid("SOP Instance UID")
    requested_by = models.CharField(max_length=255, blank=True, default="")
    source = models.CharField("by way of", max_length=16)
    reason = models.TextField(blank=True, default="")
    number_of_instances = models.PositiveIntegerField(default=0)
    size_bytes = models.PositiveBigIntegerField(default=0)
    began_at_ns = models.BigIntegerField(editable=False)
    is_settled = models.BooleanField(default=False, editable=False)
    requested_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField("restored or purged at", null=True)

    class Meta:
        ordering = ("-requested_at",)
        indexes = (
            models.Index(
                fields=("tenant", "study_instance_uid", "series_instance_uid"), name="deletion_by_uid"
            ),
            models.Index(
                fields=("requested_at",),
                condition=models.Q(state__in=("running", "restoring", "purging"))
                | models.Q(is_settled=False),
                name="deletion_to_go_on_with",
            ),
            models.Index(fields=("state", "finished_at"), name="deletion_by_state"),
        )

    def __str__(self) -> str:
        return f"{self.level} {self.target_uid}"

    @property
    def target_uid(self) -> str:
        return self.sop_instance_uid or self.series_instance_uid or self.study_instance_uid
