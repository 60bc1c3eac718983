"""Tenants, and the application entities by which the receiving side tells whose an association is."""

import re

from django.core.exceptions import ValidationError
from django.db import models

from dicomhub.intake.admission import DEFAULT_TENANT
from dicomhub.storage.layout import RESERVED_TENANTS, is_tenant

_AE_TITLE = re.compile(r"[\x20-\x5b\x5d-\x7e]{1,16}", re.ASCII)


def validate_tenant_name(name: str) -> None:
    if name in RESERVED_TENANTS:
        raise ValidationError(f"“{name}” is a directory of the store and cannot name a tenant.")
    if not is_tenant(name):
        raise ValidationError("A tenant's name is 1 to 64 lower case letters, digits and hyphens.")


def validate_ae_title(ae_title: str) -> None:
    """PS3.5 6.2, VR AE."""
    if not _AE_TITLE.fullmatch(ae_title) or not ae_title.strip():
        raise ValidationError("An AE title is 1 to 16 ASCII characters, not all spaces, without backslash.")
    if ae_title != ae_title.strip():
        raise ValidationError("Spaces around an AE title are not part of it: leave them out.")


class Tenant(models.Model):
    """Its name is part of every path in the store, which is why it never changes."""

    class DuplicatePolicy(models.TextChoices):
        REPLACE = "replace", "replace: serve the newest, keep the earlier bytes under versions/"
        REJECT = "reject", "reject: refuse other bytes under a known UID"

    name = models.CharField(
        max_length=64,
        primary_key=True,
        validators=[validate_tenant_name],
        help_text="Lower case letters, digits and hyphens. Part of every path and URL; cannot be changed.",
    )
    title = models.CharField(max_length=255, blank=True, help_text="What people call it.")
    duplicate_policy = models.CharField(
        max_length=16,
        choices=DuplicatePolicy,
        default=DuplicatePolicy.REPLACE,
        help_text="What happens when a SOP Instance UID comes again with other bytes.",
    )

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.title or self.name

    @property
    def is_default(self) -> bool:
        return self.name == DEFAULT_TENANT


class ApplicationEntity(models.Model):
    """Assigns what is sent to, or by, one AE title to a tenant."""

    class Role(models.TextChoices):
        CALLED = "called", "called: what is sent to this AE title"
        CALLING = "calling", "calling: what is sent by this AE title"

    ae_title = models.CharField("AE title", max_length=16, validators=[validate_ae_title])
    role = models.CharField(
        max_length=16,
        choices=Role,
        default=Role.CALLED,
        help_text="The called AE title decides first, then the calling one, then the default tenant.",
    )
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="application_entities")
    description = models.CharField(max_length=255, blank=True)

    class Meta:
        verbose_name_plural = "application entities"
        ordering = ("ae_title", "role")
        constraints = (
            models.UniqueConstraint(
                fields=("ae_title", "role"),
                name="application_entity_has_one_tenant",
                violation_error_message="This AE title is assigned in this role already.",
            ),
        )

    def __str__(self) -> str:
        return f"{self.ae_title} ({self.role})"
