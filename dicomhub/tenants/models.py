"""Tenants, and the application entities by which the receiving side tells whose an association is."""

import re

from django.core.exceptions import ValidationError
from django.db import models

from dicomhub.intake.admission import DEFAULT_TENANT
from dicomhub.storage.layout import RESERVED_TENANTS, is_tenant
from dicomhub.tenants.validation import (
    attribute_tag,
    lines_of,
    validate_networks,
    validate_sop_classes,
    validate_tenant_attribute,
)

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


class Restriction(models.Model):
    """What is permitted, one entry a line. Empty: what the policy permits; in the policy: everything."""

    networks = models.TextField(
        "addresses and networks",
        blank=True,
        validators=[validate_networks],
        help_text="One a line: 192.0.2.7, 192.0.2.0/24, 2001:db8::/32.",
    )
    sop_classes = models.TextField(
        "SOP classes",
        blank=True,
        validators=[validate_sop_classes],
        help_text="UIDs or keywords, CTImageStorage say, one a line.",
    )

    class Meta:
        abstract = True

    def clean(self) -> None:
        """Keep what was written, one entry a line and each once."""
        self.networks = "\n".join(dict.fromkeys(lines_of(self.networks)))
        self.sop_classes = "\n".join(dict.fromkeys(lines_of(self.sop_classes)))


class ApplicationEntity(Restriction):
    """Assigns what is sent to, or by, one AE title to a tenant, and says from where and what."""

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


class AdmissionPolicy(Restriction):
    """Who may send, where no application entity says. There is one row."""

    class Titles(models.TextChoices):
        OPEN = "open", "open: any"
        CLOSED = "closed", "closed: only application entities"

    class Unknown(models.TextChoices):
        ACCEPT = "accept", "accept: the AE titles decide, then the default tenant"
        REFUSE = "refuse", "refuse: the instance is not stored"

    called_ae_titles = models.CharField(
        "called AE titles",
        max_length=16,
        choices=Titles,
        default=Titles.OPEN,
        help_text="Closed: SCP_AE_TITLE and the application entities with that role.",
    )
    calling_ae_titles = models.CharField(
        "calling AE titles", max_length=16, choices=Titles, default=Titles.OPEN
    )
    tenant_attribute = models.CharField(
        max_length=64,
        blank=True,
        validators=[validate_tenant_attribute],
        help_text="Tag or keyword of the attribute that names an instance's tenant by the values that each "
        "tenant lists: InstitutionName, 00080080, (0029,1010). Empty: AE titles decide alone.",
    )
    private_creator = models.CharField(
        max_length=64,
        blank=True,
        help_text="Of a private attribute: who has reserved its block. The block in the tag does not matter.",
    )
    unknown_tenant_values = models.CharField(
        max_length=16,
        choices=Unknown,
        default=Unknown.ACCEPT,
        help_text="When no tenant lists the value of an instance; and, for refuse, when it has none and no "
        "AE title is assigned either.",
    )

    class Meta:
        verbose_name = "admission policy"
        verbose_name_plural = "admission policy"
        constraints = (models.CheckConstraint(condition=models.Q(pk=1), name="one_admission_policy"),)

    def __str__(self) -> str:
        return "Admission policy"

    def clean(self) -> None:
        super().clean()
        try:
            is_private = bool(self.tenant_attribute and attribute_tag(self.tenant_attribute) >> 16 & 1)
        except ValueError:
            return  # which its field says
        if is_private and not self.private_creator.strip():
            raise ValidationError({"private_creator": "A private attribute is found by its private creator."})
        if self.private_creator.strip() and not is_private:
            raise ValidationError(
                {"private_creator": "Only a private attribute, one of an odd group, has one."}
            )


class TenantValue(models.Model):
    """A value of the tenant attribute that names a tenant."""

    value = models.CharField(
        max_length=255,
        unique=True,
        help_text="As in the data set, without padding; capitals matter.",
        error_messages={"unique": "This value names a tenant already."},
    )
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="values")

    class Meta:
        verbose_name = "value of the tenant attribute"
        verbose_name_plural = "values of the tenant attribute"
        ordering = ("value",)

    def __str__(self) -> str:
        return self.value
