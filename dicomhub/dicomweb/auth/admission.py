"""Whose data a request is about, and whether its caller may do there what it asks for.

Decided by the caller's rights alone, before anything of the tenant is looked up: who does not belong to a
tenant is answered as if there were none of that name, in the same words and after the same work.
"""

from dicomhub.accounts.rights import Rights
from dicomhub.accounts.scope import Scope
from dicomhub.dicomweb.auth.refusal import ScopeMissing
from dicomhub.dicomweb.resource import NothingThere
from dicomhub.intake.admission import DEFAULT_TENANT
from dicomhub.tenants.selectors import has_tenant


def admitted_tenant(rights: Rights, *, named: str | None) -> str:
    """Whom the path names, else the caller's only tenant, else the default one. Raises NothingThere."""
    tenant = named or rights.only_tenant or DEFAULT_TENANT
    if rights.scopes_in(tenant) is None or not has_tenant(tenant):
        raise NothingThere("tenant")
    return tenant


def demand(scope: Scope, *, of: Rights, tenant: str) -> None:
    """Raises ScopeMissing."""
    if scope not in (of.scopes_in(tenant) or ()):
        raise ScopeMissing(scope)
