"""Who may use DICOMweb in which tenant: API tokens of programs, memberships of people and groups."""

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.utils import timezone

from dicomhub.accounts.scope import Scope
from dicomhub.tenants.models import Tenant


class Granted(models.Model):
    """Scopes as switches, for people to set."""

    may_read = models.BooleanField("read", default=True, help_text="Retrieve what is known by its UID.")
    may_search = models.BooleanField("search", default=True, help_text="Search for studies.")
    may_store = models.BooleanField("store", default=False, help_text="Add instances.")
    may_delete = models.BooleanField("delete", default=False, help_text="Delete studies, series, instances.")

    class Meta:
        abstract = True

    @property
    def scopes(self) -> frozenset[Scope]:
        return frozenset(scope for scope in Scope if getattr(self, f"may_{scope.value}"))


class TenantMembership(Granted):
    """One person's, or that of all in a group."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="tenant_memberships"
    )
    group = models.ForeignKey(Group, models.CASCADE, null=True, blank=True, related_name="tenant_memberships")
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="memberships")

    class Meta:
        verbose_name = "membership"
        ordering = ("tenant", "group__name", "user__username")
        constraints = (
            models.CheckConstraint(
                condition=models.Q(user__isnull=False, group__isnull=True)
                | models.Q(user__isnull=True, group__isnull=False),
                name="membership_of_a_user_or_a_group",
                violation_error_message="A membership is a user's or a group's: choose one.",
            ),
            models.UniqueConstraint(
                fields=("user", "tenant"),
                name="user_is_member_once",
                violation_error_message="This user is a member of this tenant already.",
            ),
            models.UniqueConstraint(
                fields=("group", "tenant"),
                name="group_is_member_once",
                violation_error_message="This group is a member of this tenant already.",
            ),
        )

    def __str__(self) -> str:
        return f"{self.user or self.group} in {self.tenant}"


class ApiToken(Granted):
    """digest is of the whole token, which only he has whom it was made for: see dicomhub.accounts.tokens."""

    name = models.CharField(
        max_length=100,
        unique=True,
        help_text="The program that has it; the access log names it so.",
        error_messages={"unique": "There is a token of this name, perhaps one that was revoked."},
    )
    tenants = models.ManyToManyField(Tenant, related_name="api_tokens")
    prefix = models.CharField(max_length=16, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField("created", auto_now_add=True)
    expires_at = models.DateTimeField("expires", null=True, blank=True, help_text="UTC. Empty: never.")
    last_used_at = models.DateTimeField("last used", null=True, editable=False)
    revoked_at = models.DateTimeField("revoked", null=True, editable=False)

    class Meta:
        verbose_name = "API token"
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def state(self) -> str:
        """valid, expired or revoked."""
        if self.revoked_at is not None:
            return "revoked"
        is_expired = self.expires_at is not None and self.expires_at <= timezone.now()
        return "expired" if is_expired else "valid"
