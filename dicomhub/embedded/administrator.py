"""The administrator of an embedded run: made on the first start, with a password of its own."""

import secrets
from dataclasses import dataclass

from django.contrib.auth import get_user_model

USERNAME = "admin"


@dataclass(frozen=True, slots=True)
class Administrator:
    """password is None for one that was there already: it is only ever known at the moment it is made."""

    username: str
    password: str | None


def ensure_administrator() -> Administrator:
    """Return an active administrator, a new one where there is none."""
    users = get_user_model().objects
    existing = users.filter(is_superuser=True, is_active=True).order_by("date_joined", "pk").first()
    if existing is not None:
        return Administrator(existing.get_username(), None)
    username = USERNAME
    while users.filter(username=username).exists():  # taken by someone who is no administrator
        username = f"{USERNAME}-{secrets.token_hex(2)}"
    password = secrets.token_urlsafe(12)
    users.create_superuser(username=username, password=password)
    return Administrator(username, password)
