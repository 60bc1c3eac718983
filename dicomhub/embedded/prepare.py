"""Everything that must stand before the servers start: tables, static files, a warehouse, an administrator.

Runs as a process of its own, so that Django's memory is given back. The last line on standard output is a
JSON object for the launcher; the password in it goes nowhere else.
"""

import json
import os
import sys
from dataclasses import asdict

import django
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError

from tasks.warehouse.open import open_warehouse
from tasks.warehouse.port import WarehouseUnavailable


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dicomhub.settings")
    django.setup()
    from dicomhub.embedded.administrator import ensure_administrator  # noqa: PLC0415 - needs django.setup()

    try:
        call_command("migrate", interactive=False, verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        administrator = ensure_administrator()
    except DatabaseError as error:
        print(f"The database cannot be used: {error}".strip(), file=sys.stderr)  # noqa: T201 - for the log
        return 1
    try:
        open_warehouse(settings.ENVIRONMENT.warehouse).initialise()
    except WarehouseUnavailable as error:
        # The archive receives and serves without one.
        print(f"The warehouse cannot be used: {error}", file=sys.stderr)  # noqa: T201 - for the log
    print(json.dumps(asdict(administrator)))  # noqa: T201 - for the launcher
    return 0


if __name__ == "__main__":
    sys.exit(main())
