"""manage.py restore_deleted [ID...]: undo deletions; without an ID, list those that can be undone."""

import os
from argparse import ArgumentParser
from contextlib import closing
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.template.defaultfilters import filesizeformat
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from dicomhub import log
from dicomhub.deletion.models import Deletion
from dicomhub.deletion.restoring import request_restore, restore
from dicomhub.deletion.selectors import restorable
from dicomhub.environment import Environment
from dicomhub.intake.dispatcher import Dispatcher
from dicomhub.intake.door import Intake


class Command(BaseCommand):
    help = "Undo deletions, by their IDs; without one, list those that can be undone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("deletion_ids", nargs="*", metavar="ID")

    def handle(self, *_: Any, **options: Any) -> None:
        environment: Environment = settings.ENVIRONMENT
        log.configure("restore", log_format=environment.log_format, level="WARNING")
        if not options["deletion_ids"]:
            Console().print(_table())
            return
        with closing(Intake.open(environment, owner=f"restore-{os.getpid()}")) as intake:
            for deletion_id in options["deletion_ids"]:
                self._restore(intake, deletion_id)
        Dispatcher.open(environment).publish_pending()

    def _restore(self, intake: Intake, deletion_id: str) -> None:
        if not request_restore(Deletion.objects.filter(pk=deletion_id)):
            raise CommandError(f"there is nothing to restore of {deletion_id}")
        deletion = Deletion.objects.get(pk=deletion_id)
        with Progress(console=Console(stderr=True)) as progress:
            bar = progress.add_task("restoring", total=deletion.number_of_instances)
            restore(intake, deletion, progress=lambda: progress.advance(bar))
        is_whole = deletion.state == Deletion.State.RESTORED
        print(f"{deletion_id}: " + ("restored" if is_whole else "some were stored again since, and stay so"))


def _table() -> Table:
    table = Table("ID", "deleted (UTC)", "by", "what", "UID", "instances", "size", "why", title="Deleted")
    for row in restorable():
        table.add_row(
            row.deletion_id,
            f"{row.requested_at:%Y-%m-%d %H:%M:%S}",
            row.requested_by,
            row.level,
            row.target_uid,
            str(row.number_of_instances),
            filesizeformat(row.size_bytes),
            row.reason,
        )
    return table
