"""manage.py import_dicom PATH...: archive files, folders and ZIP files."""

import os
import sys
import uuid
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from dicomhub import log
from dicomhub.environment import Environment
from dicomhub.intake.admission import DEFAULT_TENANT, TenantAdmission, read_admission
from dicomhub.intake.dispatcher import Dispatcher
from dicomhub.intake.door import Intake
from dicomhub.intake.importer import ImportSummary, Refusal, import_paths
from dicomhub.intake.provenance import Provenance
from dicomhub.intake.segments import cut_segments
from dicomhub.intake.sources import SourceRefused, ZipBounds, sources
from dicomhub.storage.filesystem import ArchiveOutcome
from dicomhub.storage.layout import JOURNAL

REASONS_SHOWN = 20


class Command(BaseCommand):
    help = "Archive DICOM files: single ones, folders, and ZIP files."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
        parser.add_argument("--tenant", default=DEFAULT_TENANT, help="who the instances belong to")
        bounds = ZipBounds()
        parser.add_argument("--zip-max-members", type=int, default=bounds.max_members)
        parser.add_argument("--zip-max-bytes", type=int, default=bounds.max_bytes, help="when unpacked")
        parser.add_argument(
            "--zip-max-ratio", type=int, default=bounds.max_ratio, help="unpacked to packed size"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        environment: Environment = settings.ENVIRONMENT
        log.configure("import", log_format=environment.log_format, level="WARNING")
        bounds = ZipBounds(
            max_members=options["zip_max_members"],
            max_bytes=options["zip_max_bytes"],
            max_ratio=options["zip_max_ratio"],
        )
        intake = Intake.open(environment, owner=f"import-{os.getpid()}")
        admission = _admission(intake, options["tenant"])
        summary = _import(intake, options["paths"], admission, bounds)
        Dispatcher.open(environment).publish_pending()
        waiting = len(cut_segments(intake.store.absolute(JOURNAL)))
        _print_summary(Console(), summary, waiting=waiting)
        if summary.refused:
            sys.exit(1)


def _admission(intake: Intake, tenant: str) -> TenantAdmission:
    tenants = read_admission(intake.store).tenants
    if tenant not in tenants:
        raise CommandError(f"there is no tenant {tenant!r}; there are: {', '.join(sorted(tenants))}")
    return tenants[tenant]


def _import(
    intake: Intake, paths: list[Path], admission: TenantAdmission, bounds: ZipBounds
) -> ImportSummary:
    columns = (TextColumn("importing"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("", total=_total_bytes(paths, bounds))
        return import_paths(
            intake,
            paths,
            admission=admission,
            provenance=Provenance(source="import", trace_id=uuid.uuid4().hex),
            bounds=bounds,
            progress=lambda size_bytes: progress.advance(bar, size_bytes),
        )


def _total_bytes(paths: list[Path], bounds: ZipBounds) -> int:
    return sum(
        source.size_bytes
        for path in paths
        for source in sources(path, bounds=bounds)
        if not isinstance(source, SourceRefused)
    )


def _print_summary(console: Console, summary: ImportSummary, *, waiting: int) -> None:
    table = Table(title="Import")
    table.add_column("outcome")
    table.add_column("files", justify="right")
    for outcome in ArchiveOutcome:
        table.add_row(outcome.value, str(summary.outcomes[outcome]))
    table.add_row("no DICOM instance", str(len(summary.not_dicom)))
    table.add_row("refused", str(len(summary.refused)))
    console.print(table)
    _print_reasons(console, "No DICOM instance", summary.not_dicom)
    _print_reasons(console, "Refused", summary.refused)
    if waiting:
        console.print(
            f"The broker cannot be reached: {waiting} batches wait in the journal until it is back."
        )


def _print_reasons(console: Console, title: str, refusals: list[Refusal]) -> None:
    for refusal in refusals[:REASONS_SHOWN]:
        console.print(
            f"{title}: {refusal.name}: {refusal.reason}", markup=False, highlight=False, soft_wrap=True
        )
    if len(refusals) > REASONS_SHOWN:
        console.print(f"{title}: and {len(refusals) - REASONS_SHOWN} more")
