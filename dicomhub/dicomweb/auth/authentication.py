"""Who calls: by a bearer token, of an OpenID provider or of ours, or else by Django's session."""

from dataclasses import dataclass
from typing import Any, ClassVar

from django.conf import settings
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.request import Request

from dicomhub.accounts.memberships import rights_of_user
from dicomhub.accounts.rights import Rights
from dicomhub.accounts.tokens import MARK, ApiTokenRefused, recognised, rights_of_token
from dicomhub.configuration.web import OidcSettings
from dicomhub.dicomweb.auth.access_token import verified_claims
from dicomhub.dicomweb.auth.claims import name_of, rights_of
from dicomhub.dicomweb.auth.provider_keys import keys_of
from dicomhub.dicomweb.auth.refusal import TokenInvalid


@dataclass(frozen=True, slots=True)
class TokenBearer:
    """As much of a Django user as a request needs: a program, or a person that only the provider knows."""

    username: str
    is_authenticated: ClassVar[bool] = True
    is_anonymous: ClassVar[bool] = False
    is_active: ClassVar[bool] = True

    def get_username(self) -> str:
        return self.username


class BearerAuthentication(BaseAuthentication):
    """Authorization: Bearer. A token that is there and wrong is refused, whoever else the request is from."""

    def authenticate(self, request: Request) -> tuple[TokenBearer, Rights] | None:
        """Raises TokenInvalid, KeysUnavailable. RFC 6750 2.1."""
        scheme, _, token = request.headers.get("Authorization", "").strip().partition(" ")
        if scheme.lower() != "bearer":
            return None
        oidc: OidcSettings | None = settings.ENVIRONMENT.auth.oidc
        if oidc is None or token.startswith(MARK):
            return _by_api_token(token)
        claims = verified_claims(token.strip(), oidc, keys_of(oidc))
        return TokenBearer(name_of(claims, oidc)), rights_of(claims, oidc)


class MembershipAuthentication(SessionAuthentication):
    """Who has signed in to this site. A method that changes something needs the CSRF token as well."""

    def authenticate(self, request: Request) -> tuple[Any, Rights] | None:
        """Raises PermissionDenied."""
        signed_in = super().authenticate(request)
        return None if signed_in is None else (signed_in[0], rights_of_user(signed_in[0]))

    def enforce_csrf(self, request: Request) -> None:
        """By Django's own request: REST framework's would read the body for it, which is the view's."""
        super().enforce_csrf(request._request)  # type: ignore[arg-type] # noqa: SLF001 - it takes either


def _by_api_token(text: str) -> tuple[TokenBearer, Rights]:
    try:
        token = recognised(text.strip())
    except ApiTokenRefused as error:
        raise TokenInvalid(str(error)) from error
    return TokenBearer(f"token:{token.name}"), rights_of_token(token)
