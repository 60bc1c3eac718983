"""manage.py stats: the dashboard's figures, as tables or CSV."""

import os
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dicomhub import log
from dicomhub.console.figures.csv_files import write_csv, write_csv_files
from dicomhub.console.figures.figure import Figure
from dicomhub.console.figures.reading import FigureReader, scope
from dicomhub.console.figures.written import written
from dicomhub.environment import Environment, EnvironmentInvalid
from dicomhub.tenants.models import Tenant
from tasks.warehouse.open import open_warehouse
from tasks.warehouse.port import WarehouseUnavailable

_MOST_DAYS = 3660
# Of what is no terminal: wide enough for a row of UIDs to stay on a line.
_PIPE_COLUMNS = 200


def _days(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= _MOST_DAYS):
        raise ArgumentTypeError(f"takes 1 to {_MOST_DAYS}, not {text!r}")
    return int(text)


class Command(BaseCommand):
    help = "Print what the warehouse says of the archive: the dashboard's figures, as tables or CSV."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=_days, default=30, help="days (UTC) up to today: 30")
        parser.add_argument("--tenant", help="of this tenant only")
        parser.add_argument(
            "--csv", metavar="DIR", help="write DIR/<figure>.csv; - writes all to standard output"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        environment: Environment = settings.ENVIRONMENT
        log.configure("stats", log_format=environment.log_format, level="WARNING")
        figures = _figures(environment, options["days"], options["tenant"])
        match options["csv"]:
            case None:
                _print(figures)
            case "-":
                _write_all(figures)
            case folder:
                _write_files(Path(folder), figures)


def _figures(environment: Environment, days: int, tenant: str | None) -> Sequence[Figure]:
    if tenant is not None and not Tenant.objects.filter(name=tenant).exists():
        raise CommandError(f"there is no tenant {tenant!r}")
    try:
        asked = scope(environment, days, tenant)
        return FigureReader(open_warehouse(environment.warehouse), asked).figures()
    except (WarehouseUnavailable, EnvironmentInvalid, OSError) as error:
        raise CommandError(str(error)) from None


def _print(figures: Sequence[Figure]) -> None:
    console = Console(width=None if sys.stdout.isatty() else _PIPE_COLUMNS)
    for figure in figures:
        console.print(
            _table(figure) if figure.rows else f"{figure.title}: nothing in this time", markup=False
        )
        if figure.sentence:
            console.print(figure.sentence)
        console.print()


def _table(figure: Figure) -> Table:
    table = Table(title=figure.title, title_justify="left")
    for column in figure.columns:
        table.add_column(column.title, justify="right" if column.kind.is_number else "left", overflow="fold")
    for row in figure.rows:
        cells = zip(figure.columns, row, strict=True)
        table.add_row(*(_safe(written(column, value)) for column, value in cells))
    return table


def _safe(text: str) -> str:
    """What a sender wrote must not talk to the terminal."""
    return escape("".join(letter if letter.isprintable() else " " for letter in text))


def _write_all(figures: Sequence[Figure]) -> None:
    """Each figure under a line with its name, and an empty line behind."""
    try:
        for figure in figures:
            sys.stdout.write(f"{figure.name}\r\n")
            write_csv(sys.stdout, figure)
            sys.stdout.write("\r\n")
        sys.stdout.flush()
    except BrokenPipeError:  # who reads has enough; Python would complain of it once more at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _write_files(folder: Path, figures: Sequence[Figure]) -> None:
    try:
        paths = write_csv_files(folder, figures)
    except OSError as error:
        raise CommandError(f"{folder}: {error.strerror}") from None
    for path in paths:
        print(path)
