"""API tokens: dicomhub_<prefix>_<secret>, made once, known afterwards by prefix and digest.

The secret is 256 random bits. Nobody guesses those, however fast he can try, so SHA-256 protects them at rest
as well as a slow password hash would, and costs a request microseconds. The prefix is no secret: it finds the
row.
"""

import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256

from django.contrib.auth.models import User
from django.db import DatabaseError, transaction
from django.utils import timezone

from dicomhub.accounts.models import ApiToken
from dicomhub.accounts.rights import Rights
from dicomhub.accounts.scope import Scope
from dicomhub.log import logger
from dicomhub.tenants.models import Tenant

MARK = "dicomhub_"
_USE_IS_NOTED_AFTER = timedelta(minutes=1)


class ApiTokenRefused(Exception):
    """Its text may be told to whoever has sent the token."""


def sealed(token: ApiToken) -> str:
    """Give a token that is about to be saved its secret, and return its text: it cannot be had again."""
    token.prefix = secrets.token_hex(6)
    text = f"{MARK}{token.prefix}_{secrets.token_urlsafe(32)}"
    token.digest = _digest(text)
    return text


@transaction.atomic
def make_token(
    name: str,
    *,
    tenants: Iterable[Tenant],
    scopes: Iterable[Scope],
    expires_at: datetime | None = None,
    created_by: User | None = None,
) -> str:
    """The new token's text. Raises ValidationError."""
    granted = frozenset(scopes)
    switches = {f"may_{scope.value}": scope in granted for scope in Scope}
    token = ApiToken(name=name, expires_at=expires_at, created_by=created_by, **switches)
    text = sealed(token)
    token.full_clean()
    token.save()
    token.tenants.set(tenants)
    return text


def revoke(token: ApiToken) -> None:
    """For good. A token that is revoked already stays as it is."""
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())


def recognised(text: str) -> ApiToken:
    """The token that is meant. Raises ApiTokenRefused."""
    token = ApiToken.objects.filter(prefix=text.removeprefix(MARK).partition("_")[0]).first()
    if token is None or not hmac.compare_digest(token.digest, _digest(text)):
        raise ApiTokenRefused("the API token is not known")
    if token.state != "valid":
        raise ApiTokenRefused(f"the API token is {token.state}")
    _note_use(token)
    return token


def rights_of_token(token: ApiToken) -> Rights:
    tenants = ApiToken.tenants.through.objects.filter(apitoken=token).values_list("tenant_id", flat=True)
    return Rights(dict.fromkeys(tenants, token.scopes))


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _note_use(token: ApiToken) -> None:
    """At most once a minute: a write is dearer than all the rest. One that fails fails no request."""
    now = timezone.now()
    if token.last_used_at is not None and token.last_used_at > now - _USE_IS_NOTED_AFTER:
        return
    try:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    except DatabaseError as error:
        logger().warning("token_use_not_noted", token=token.prefix, error=str(error))
