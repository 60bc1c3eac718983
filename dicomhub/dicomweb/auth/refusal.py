"""Why a caller is not served. RFC 6750 3.1."""

from dicomhub.accounts.scope import Scope


class NotAuthenticated(Exception):
    """It is not known who asks: there is neither a token nor a session."""

    def __init__(self, reason: str = "this asks for a token, or a session") -> None:
        super().__init__(reason)


class TokenInvalid(NotAuthenticated):
    """There is a token, and it is not to be trusted; reason may be told to whoever sent it."""


class ScopeMissing(Exception):
    """The caller belongs to the tenant, and may not do this there."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(f"this asks for the scope {scope.value}")
        self.scope = scope


class KeysUnavailable(Exception):
    """A token cannot be judged: the provider's keys are not known, and cannot be fetched."""

    def __init__(self) -> None:
        super().__init__("the keys that tokens are signed with cannot be had at the moment")
