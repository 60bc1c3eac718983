"""manage.py transcode: renditions for what is archived already, as the tenants' settings are now."""

import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db.models import QuerySet, Sum
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from dicomhub import log
from dicomhub.archive.models import Series
from dicomhub.environment import Environment
from dicomhub.storage.filesystem import FilesystemStore, open_store
from dicomhub.storage.layout import SeriesKey
from dicomhub.transcoding import candidates, selectors
from dicomhub.transcoding.running import run
from tasks.transcode.candidate import Candidate, Report, Status
from tasks.transcode.failure import CodecFailure, CodecUnavailable
from tasks.transcode.pool import CodecPool
from tasks.transcode.settings import NAMES
from tasks.transcode.transcoder import StoreFull, Transcoder

REASONS_SHOWN = 20
_IN_THE_WAY = (CodecFailure, CodecUnavailable, OSError, StoreFull, selectors.PolicyInvalid)


@dataclass
class _Summary:
    """How many instances went which way, as the table has it; and the first of those that were given up."""

    numbers: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    given_up: list[Report] = field(default_factory=list)

    def add(self, report: Report) -> None:
        candidate, source = report.candidate, report.source
        syntax = source.transfer_syntax_uid if source else candidate.transfer_syntax_uid
        target = report.plan.target if report.plan else ""
        why = report.attempts[-1].outcome if report.attempts else report.reason
        self.numbers[NAMES.get(syntax, syntax), report.status, NAMES.get(target, target), why] += 1
        if report.status is Status.GIVEN_UP and len(self.given_up) < REASONS_SHOWN:
            self.given_up.append(report)


class Command(BaseCommand):
    help = "Make renditions of what viewers cannot decode: of the whole archive, or of a part of it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", default="")
        parser.add_argument("--study", default="", metavar="UID")
        parser.add_argument("--series", default="", metavar="UID")
        parser.add_argument("--dry-run", action="store_true", help="print the plan, and do nothing")
        parser.add_argument("--retry-failed", action="store_true", help="also what was given up before")

    def handle(self, *_: Any, **options: Any) -> None:
        environment: Environment = settings.ENVIRONMENT
        log.configure("transcode", log_format=environment.log_format, level="WARNING")
        series = selectors.series_matching(**{name: options[name] for name in ("tenant", "study", "series")})
        if not series.exists():
            raise CommandError("there is no such series in the archive")
        summary = _Summary()
        try:
            for report in _reports(
                environment, series, is_dry=options["dry_run"], retry_failed=options["retry_failed"]
            ):
                summary.add(report)
        except _IN_THE_WAY as error:
            raise CommandError(str(error)) from error
        _print(Console(), summary, title="Plan" if options["dry_run"] else "Transcoded")
        if summary.given_up:
            sys.exit(1)


def _reports(
    environment: Environment, series: "QuerySet[Series]", *, is_dry: bool, retry_failed: bool
) -> Iterator[Report]:
    """Of each instance that may need a rendition, with a bar that counts all of them."""
    store = open_store(environment)
    columns = (TextColumn("transcoding"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        closing(CodecPool(environment.codec)) as pool,
        Progress(*columns, console=Console(stderr=True)) as progress,
    ):
        bar = progress.add_task("", total=series.aggregate(total=Sum("number_of_instances"))["total"])
        waiting = _candidates(store, series, progress, retry_failed=retry_failed)
        transcoder = Transcoder(store, pool, reserve_bytes=environment.intake.disk_reserve_bytes)
        for report in map(transcoder.look, waiting) if is_dry else run(transcoder, pool, waiting):
            progress.advance(bar)
            yield report


def _candidates(
    store: FilesystemStore, series: "QuerySet[Series]", progress: Progress, *, retry_failed: bool
) -> Iterator[Candidate]:
    for one in series.iterator():
        key = SeriesKey(one.tenant_name, one.study.study_instance_uid, one.series_instance_uid)
        of_series = candidates.of_series(store, key, retry_failed=retry_failed)
        progress.advance(progress.task_ids[0], one.number_of_instances - len(of_series))
        yield from of_series


def _print(console: Console, summary: _Summary, *, title: str) -> None:
    table = Table("transfer syntax", "outcome", "rendered as", "reason", title=title)
    table.add_column("instances", justify="right")
    for row, number in sorted(summary.numbers.items()):
        table.add_row(*row, str(number))
    if summary.numbers:
        console.print(table)
    else:
        console.print("Viewers decode all of it: nothing to transcode.")
    _print_given_up(console, summary.given_up)


def _print_given_up(console: Console, reports: Iterable[Report]) -> None:
    for report in reports:
        console.print(
            f"{report.candidate.path}: {report.reason}", markup=False, highlight=False, soft_wrap=True
        )
