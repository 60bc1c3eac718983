"""manage.py warehouse init|status|compact|repair: the warehouse that the settings name."""

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table

from dicomhub import log
from dicomhub.environment import Environment, EnvironmentInvalid
from tasks.warehouse.open import open_warehouse
from tasks.warehouse.port import TableStatus, Warehouse, WarehouseUnavailable


def _init(warehouse: Warehouse) -> None:
    warehouse.initialise()
    Console().print("The warehouse has all its tables.")


def _status(warehouse: Warehouse) -> None:
    table = Table("table", "rows", "MiB", "files", "not compacted", "schema")
    for column in table.columns[1:]:
        column.justify = "right"
    for status in warehouse.status():
        table.add_row(*_cells(status))
    Console().print(table)


def _cells(status: TableStatus) -> tuple[str, ...]:
    return (
        status.name,
        f"{status.rows:,}",
        f"{status.size_bytes / 2**20:,.1f}",
        str(status.files),
        str(status.waiting),
        str(status.schema_version),
    )


def _compact(warehouse: Warehouse) -> None:
    warehouse.compact()
    _status(warehouse)


def _repair(warehouse: Warehouse) -> None:
    damaged = warehouse.repair()
    for place in damaged:
        Console(soft_wrap=True).print(f"damaged, and set aside: {place}")
    if not damaged:
        Console().print("Nothing is damaged.")


_ACTIONS: dict[str, tuple[str, Callable[[Warehouse], None]]] = {
    "init": ("create what is missing, and bring older tables up to date", _init),
    "status": ("print rows, bytes and files of every table", _status),
    "compact": ("merge small files and drop what is past its retention", _compact),
    "repair": ("set files aside that cannot be read, so that the others can", _repair),
}


class Command(BaseCommand):
    help = "Create, look at, compact and repair the warehouse."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        for name, (what, _) in _ACTIONS.items():
            actions.add_parser(name, help=what)

    def handle(self, *_: Any, **options: Any) -> None:
        environment: Environment = settings.ENVIRONMENT
        log.configure("warehouse", log_format=environment.log_format, level="WARNING")
        action = _ACTIONS[options["action"]][1]
        try:
            action(open_warehouse(environment.warehouse))
        except (WarehouseUnavailable, EnvironmentInvalid) as error:
            raise CommandError(str(error)) from None
