"""Is this an access token that our provider made for us, and that holds now? RFC 7519, RFC 8725, RFC 9068."""

from collections.abc import Mapping
from typing import Any

import jwt

from dicomhub.configuration.web import OidcSettings
from dicomhub.dicomweb.auth.provider_keys import ProviderKeys
from dicomhub.dicomweb.auth.refusal import TokenInvalid

_REQUIRED = ("iss", "sub", "aud", "exp", "iat")
# Not every provider says at+jwt (RFC 9068 2.1); what says something else is no access token.
_ACCESS_TOKEN_TYPES = frozenset(("at+jwt", "application/at+jwt", "jwt", ""))
_ONLY_IN_ID_TOKENS = ("nonce", "at_hash", "c_hash")
_REASONS: Mapping[type[Exception], str] = {
    jwt.ExpiredSignatureError: "the token has expired",
    jwt.ImmatureSignatureError: "the token does not hold yet",
    jwt.InvalidAudienceError: "the token is for somebody else",
    jwt.InvalidIssuerError: "the token is of another issuer",
    jwt.MissingRequiredClaimError: f"the token has to have {', '.join(_REQUIRED)}",
    jwt.InvalidAlgorithmError: "the token is not signed in a way that is taken here",
    jwt.InvalidSignatureError: "the token's signature is wrong",
}


def verified_claims(token: str, settings: OidcSettings, keys: ProviderKeys) -> Mapping[str, Any]:
    """Raises TokenInvalid, KeysUnavailable."""
    try:
        header = jwt.get_unverified_header(token)
        key = keys.key(_key_name(header, settings))
        if key is None:
            raise TokenInvalid("the token is signed with a key that its issuer does not have")
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=settings.algorithms,
            audience=settings.audience,
            issuer=settings.issuer,
            leeway=settings.leeway_seconds,
            options={"require": list(_REQUIRED), "enforce_minimum_key_length": True},
        )
    except (jwt.PyJWTError, ValueError, OverflowError, RecursionError) as error:
        raise TokenInvalid(_REASONS.get(type(error), "the token is damaged")) from error
    if not _is_access_token(header, claims):
        raise TokenInvalid("the token is no access token")
    return claims


def _key_name(header: Mapping[str, Any], settings: OidcSettings) -> str:
    """Of the algorithm only the key decides; here one that is never taken does not get as far as to a key."""
    if header.get("alg") not in settings.algorithms:
        raise jwt.InvalidAlgorithmError
    return str(header.get("kid", ""))


def _is_access_token(header: Mapping[str, Any], claims: Mapping[str, Any]) -> bool:
    """Refuses what can be told to be something else. Keycloak says in the claim typ what a token is."""
    kind = str(header.get("typ") or "").lower()
    if kind not in _ACCESS_TOKEN_TYPES:
        return False
    if kind.endswith("at+jwt"):
        return True
    if "typ" in claims:
        return str(claims["typ"]).lower() == "bearer"
    return not any(name in claims for name in _ONLY_IN_ID_TOKENS)
