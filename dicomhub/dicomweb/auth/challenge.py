"""What a refused caller is told in WWW-Authenticate. RFC 6750 3."""

from dicomhub.accounts.scope import Scope
from dicomhub.configuration.web import AuthSettings
from dicomhub.dicomweb.auth.refusal import NotAuthenticated, ScopeMissing, TokenInvalid


def challenge(refusal: NotAuthenticated | ScopeMissing, settings: AuthSettings) -> str:
    """What is wrong is said only to who has sent something that can be wrong."""
    parameters = {"realm": "dicomhub"}
    match refusal:
        case TokenInvalid():
            parameters |= {"error": "invalid_token", "error_description": str(refusal)}
        case ScopeMissing():
            parameters |= {"error": "insufficient_scope", "scope": scope_name(refusal.scope, settings)}
    return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in parameters.items())


def scope_name(scope: Scope, settings: AuthSettings) -> str:
    """A scope by the name that the provider gives it in its tokens."""
    prefix = "" if settings.oidc is None else settings.oidc.scope_prefix
    return prefix + scope.value
