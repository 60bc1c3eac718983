"""The scopes by the name that views know them by."""

from dicomhub.accounts.scope import Scope as Scope  # noqa: PLC0414 - for others to import from here
