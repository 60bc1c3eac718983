"""The keys that an OpenID provider signs its tokens with: fetched, kept, fetched again when one is new."""

import threading
import time
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType

import jwt
import requests

from dicomhub.configuration.reader import is_secure_url
from dicomhub.configuration.web import OidcSettings
from dicomhub.dicomweb.auth.refusal import KeysUnavailable
from dicomhub.log import logger

_FETCH_SECONDS = 3.0
_NONE: Mapping[str, jwt.PyJWK] = MappingProxyType({})


class ProviderKeys:
    """Known keys serve for as long as the provider cannot be reached.

    Keys are fetched anew when they are older than fresh_seconds, and when a token names one that is not
    known; but never sooner than pause_seconds after the time before, so that tokens with made-up names of
    keys cost the provider nothing, and never twice at once. (PyJWKClient's own cache asks the provider under
    a lock that every caller waits for, and has no keys once they are old and the provider is down.)
    """

    def __init__(
        self,
        fetch: Callable[[], Mapping[str, jwt.PyJWK]],
        *,
        fresh_seconds: float = 300,
        pause_seconds: float = 10,
    ) -> None:
        self._fetch = fetch
        self._fresh_seconds = fresh_seconds
        self._pause_seconds = pause_seconds
        self._keys = _NONE
        self._stale_at = self._next_at = time.monotonic()
        self._fetching = threading.Lock()

    def key(self, name: str) -> jwt.PyJWK | None:
        """None: the provider has no key of that name (kid). Raises KeysUnavailable."""
        if time.monotonic() >= self._stale_at:
            self._renew(wait_seconds=0 if self._keys else _FETCH_SECONDS)
        if name not in self._keys:
            self._renew(wait_seconds=_FETCH_SECONDS)
        if not self._keys:
            raise KeysUnavailable
        return self._keys.get(name)

    def _renew(self, *, wait_seconds: float) -> None:
        """wait_seconds bounds the wait for another thread that is at it."""
        if time.monotonic() < self._next_at or not self._fetching.acquire(timeout=wait_seconds):
            return
        try:
            if time.monotonic() >= self._next_at:
                self._fetch_now()
        finally:
            self._fetching.release()

    def _fetch_now(self) -> None:
        try:
            self._keys = self._fetch()
        except (jwt.PyJWTError, requests.RequestException, OSError, ValueError) as error:
            logger().error("oidc_keys_not_fetched", error=str(error), keys_known=len(self._keys))
            self._stale_at = time.monotonic() + self._pause_seconds
        else:
            self._stale_at = time.monotonic() + self._fresh_seconds
        self._next_at = time.monotonic() + self._pause_seconds


@cache
def keys_of(settings: OidcSettings) -> ProviderKeys:
    """One for each process."""
    return ProviderKeys(lambda: fetched_keys(settings))


def fetched_keys(settings: OidcSettings) -> dict[str, jwt.PyJWK]:
    """By their names. Raises PyJWTError, RequestException, OSError, ValueError."""
    url = settings.jwks_url or _discovered(settings.issuer)
    client = jwt.PyJWKClient(url, cache_jwk_set=False, timeout=_FETCH_SECONDS)
    return {key.key_id: key for key in client.get_signing_keys() if key.key_id}


def _discovered(issuer: str) -> str:
    """OpenID Connect Discovery 1.0, 4. Raises RequestException, ValueError."""
    url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    answer = requests.get(url, timeout=_FETCH_SECONDS, allow_redirects=False)
    answer.raise_for_status()
    document = answer.json()
    if not isinstance(document, dict) or document.get("issuer") != issuer:
        raise ValueError(f"{url} is not the configuration of {issuer}")
    keys_url = str(document.get("jwks_uri", ""))
    if not is_secure_url(keys_url):
        raise ValueError(f"{url} names keys at an address that is neither https nor of this machine")
    return keys_url
