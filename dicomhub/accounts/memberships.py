"""What people may do who have signed in."""

from django.contrib.auth.models import User
from django.db.models import Q

from dicomhub.accounts.models import TenantMembership
from dicomhub.accounts.rights import EVERYTHING, Rights, together


def rights_of_user(user: User) -> Rights:
    """By his own memberships and those of his groups; a superuser may do everything in every tenant."""
    if user.is_superuser:
        return EVERYTHING
    memberships = TenantMembership.objects.filter(Q(user=user) | Q(group__in=user.groups.all()))
    return together((membership.tenant_id, membership.scopes) for membership in memberships.order_by())
