"""What a caller may do, and where."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from dicomhub.accounts.scope import ALL_SCOPES, Scope


@dataclass(frozen=True, slots=True)
class Rights:
    """by_tenant: where a caller belongs, and his scopes there; elsewhere: those in all other tenants."""

    by_tenant: Mapping[str, frozenset[Scope]] = field(default_factory=dict)
    elsewhere: frozenset[Scope] | None = None

    def scopes_in(self, tenant: str) -> frozenset[Scope] | None:
        """None where the caller does not belong: he must not learn whether there is such a tenant."""
        return self.by_tenant.get(tenant, self.elsewhere)

    @property
    def only_tenant(self) -> str | None:
        """The one tenant of a caller who belongs to no other."""
        is_one = len(self.by_tenant) == 1 and self.elsewhere is None
        return next(iter(self.by_tenant)) if is_one else None


EVERYTHING = Rights(elsewhere=ALL_SCOPES)


def together(granted: Iterable[tuple[str, frozenset[Scope]]]) -> Rights:
    """Tenants and scopes as they were granted one by one; those of one tenant add up."""
    by_tenant: dict[str, frozenset[Scope]] = {}
    for tenant, scopes in granted:
        by_tenant[tenant] = by_tenant.get(tenant, frozenset()) | scopes
    return Rights(by_tenant)
