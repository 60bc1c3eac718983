"""manage.py conformance: make the tables of the conformance statement anew, or see whether they are old."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dicomhub.conformance.blocks import BlocksDiffer
from dicomhub.conformance.statement import PATH, current


class Command(BaseCommand):
    help = "Make the tables of docs/conformance.md anew, from the running code."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing; fail when they are old")

    def handle(self, *_arguments: Any, check: bool, **_options: Any) -> None:
        written = PATH.read_text("utf-8")
        try:
            wanted = current(written)
        except BlocksDiffer as error:
            raise CommandError(f"{PATH.name}: {error}") from None
        if wanted == written:
            print(f"{PATH.name} is current")
        elif check:
            raise CommandError(f"{PATH.name} is old: run manage.py conformance")
        else:
            PATH.write_text(wanted, "utf-8")
            print(f"{PATH.name} was made anew")
