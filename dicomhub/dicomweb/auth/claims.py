"""What the claims of a verified access token say of its bearer. RFC 9068 2.2."""

from collections.abc import Mapping
from typing import Any

from dicomhub.accounts.rights import Rights
from dicomhub.accounts.scope import Scope
from dicomhub.configuration.web import OidcSettings
from dicomhub.intake.admission import DEFAULT_TENANT
from dicomhub.storage.layout import is_tenant


def rights_of(claims: Mapping[str, Any], settings: OidcSettings) -> Rights:
    """The token's scopes, in each of its tenants."""
    named = {*_words(claims.get("scope")), *_words(claims.get("scp"))}
    scopes = frozenset(scope for scope in Scope if settings.scope_prefix + scope.value in named)
    return Rights(dict.fromkeys(_tenants(claims, settings), scopes))


def name_of(claims: Mapping[str, Any], settings: OidcSettings) -> str:
    """Marked, for it is the provider that gives these names: one may be that of a user of ours."""
    name = claims.get(settings.name_claim)
    text = name if isinstance(name, str) and name else claims["sub"]
    return f"oidc:{text.encode(errors='replace').decode()}"  # JSON can hold half a character


def _tenants(claims: Mapping[str, Any], settings: OidcSettings) -> tuple[str, ...]:
    """A claim that is there and names none is not the same as one that is not there."""
    if settings.tenant_claim not in claims:
        return (DEFAULT_TENANT,) if settings.without_tenant == "default" else ()
    value = claims[settings.tenant_claim]
    values = value if isinstance(value, list) else [value]
    return tuple(each for each in values if isinstance(each, str) and is_tenant(each))


def _words(value: Any) -> tuple[str, ...]:
    """Scopes as one text (RFC 6749 3.3), or as a list of them."""
    if isinstance(value, str):
        return tuple(value.split())
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()
