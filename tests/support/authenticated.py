"""Settings under which callers have to say who they are."""

from dataclasses import replace

from dicomhub.environment import Environment, read_environment
from tests.support.oidc import AUDIENCE


def with_auth(environment: Environment, issuer: str | None = None, **values: str) -> Environment:
    """The same settings, and WEB_AUTH=on; tokens of an OpenID provider are taken where there is an issuer."""
    oidc = {} if issuer is None else {"OIDC_ISSUER": issuer, "OIDC_AUDIENCE": AUDIENCE}
    return replace(environment, auth=read_environment({"WEB_AUTH": "on", **oidc, **values}).auth)
