"""manage.py delete_from_archive: a study, a series or an instance."""

import os
from argparse import ArgumentParser
from getpass import getuser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.template.defaultfilters import filesizeformat

from dicomhub import log
from dicomhub.deletion.deleting import NothingToDelete, Request, delete
from dicomhub.deletion.target import Target
from dicomhub.environment import Environment
from dicomhub.intake.admission import DEFAULT_TENANT
from dicomhub.standard.uid import UidInvalid
from dicomhub.storage.filesystem import open_store
from dicomhub.storage.layout import TenantInvalid


class Command(BaseCommand):
    help = "Delete a study, a series or an instance; it is kept for DELETED_RETENTION_DAYS."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", default=DEFAULT_TENANT)
        parser.add_argument("--study", required=True, metavar="UID")
        parser.add_argument("--series", metavar="UID")
        parser.add_argument("--instance", metavar="UID")
        parser.add_argument("--reason", required=True, metavar="TEXT")

    def handle(self, *_: Any, **options: Any) -> None:
        environment: Environment = settings.ENVIRONMENT
        log.configure("delete", log_format=environment.log_format, level="WARNING")
        if options["instance"] and not options["series"]:
            raise CommandError("--instance needs --series")
        try:
            target = Target(
                tenant=options["tenant"],
                study_instance_uid=options["study"],
                series_instance_uid=options["series"],
                sop_instance_uid=options["instance"],
            )
            request = Request(by=_who(), source="command", reason=options["reason"])
            deletion = delete(open_store(environment), target, request)
        except (NothingToDelete, TenantInvalid, UidInvalid) as error:
            raise CommandError(str(error)) from error
        print(
            f"{deletion.number_of_instances} instances ({filesizeformat(deletion.size_bytes)}) deleted; "
            f"for {environment.deleted_retention_days} days: manage.py restore_deleted {deletion.deletion_id}"
        )


def _who() -> str:
    """A container's user may have a number and no name."""
    try:
        return getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
