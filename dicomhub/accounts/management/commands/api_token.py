"""manage.py api_token: make, list and revoke the tokens by which programs use DICOMweb."""

import sys
from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.console import Console
from rich.table import Table

from dicomhub.accounts.models import ApiToken
from dicomhub.accounts.scope import Scope
from dicomhub.accounts.tokens import MARK, make_token, revoke
from dicomhub.tenants.models import Tenant

_MOST_DAYS = 36500


class Command(BaseCommand):
    help = "Make, list and revoke API tokens. A new one is printed, once, on standard output."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        make = actions.add_parser("make", help="make a token")
        make.add_argument("name", help="the program that it is for")
        make.add_argument("--tenant", action="append", required=True, help="where it may be used; repeatable")
        make.add_argument(
            "--scope", action="append", choices=list(Scope), required=True, help="what it may do; repeatable"
        )
        make.add_argument("--days", type=_days, help="how long it holds; not given: until it is revoked")
        actions.add_parser("list", help="list all tokens")
        actions.add_parser("revoke", help="revoke a token for good").add_argument("name")

    def handle(self, *_: Any, **options: Any) -> None:
        match options["action"]:
            case "make":
                self.stdout.write(_make(options))
            case "list":
                Console(file=sys.stdout).print(_table())
            case "revoke":
                revoke(_named(options["name"]))


def _days(text: str) -> timedelta:
    if not (text.isdecimal() and 0 < int(text) <= _MOST_DAYS):
        raise ArgumentTypeError(f"from 1 to {_MOST_DAYS}")
    return timedelta(days=int(text))


def _make(options: dict[str, Any]) -> str:
    tenants = Tenant.objects.filter(name__in=options["tenant"])
    if unknown := set(options["tenant"]) - {tenant.name for tenant in tenants}:
        raise CommandError(f"there is no tenant {', '.join(sorted(unknown))}")
    holds = options["days"]
    expires_at = None if holds is None else timezone.now() + holds
    try:
        return make_token(options["name"], tenants=tenants, scopes=options["scope"], expires_at=expires_at)
    except ValidationError as error:
        raise CommandError("; ".join(error.messages)) from error


def _named(name: str) -> ApiToken:
    token = ApiToken.objects.filter(name=name).first()
    if token is None:
        raise CommandError(f"there is no token {name}")
    return token


def _table() -> Table:
    table = Table("name", "begins with", "may", "in", "state", "last used (UTC)")
    for token in ApiToken.objects.prefetch_related("tenants"):
        tenants = ", ".join(tenant.name for tenant in token.tenants.all())
        used = "never" if token.last_used_at is None else f"{token.last_used_at:%Y-%m-%d %H:%M}"
        may = ", ".join(sorted(token.scopes))
        table.add_row(token.name, MARK + token.prefix, may, tenants, token.state, used)
    return table
