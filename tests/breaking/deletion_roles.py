"""What the processes do that tests.breaking.deletion_rounds kills. To be imported once Django is set up."""

import random
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.db import connection

from dicomhub import log
from dicomhub.archive.models import Batch
from dicomhub.deletion.deleting import NothingToDelete, Request, delete
from dicomhub.deletion.models import Deletion
from dicomhub.deletion.restoring import request_restore
from dicomhub.deletion.target import Target
from dicomhub.intake.door import Intake
from dicomhub.intake.segments import cut_orphan, cut_segments, orphaned_segments, read_segment
from dicomhub.storage.filesystem import FilesystemStore, open_store
from dicomhub.storage.layout import JOURNAL, SeriesKey
from tasks.messages import batch_to_message
from tasks.pipeline.deletions import deletions
from tasks.pipeline.index import index
from tasks.pipeline.load import load
from tasks.pipeline.metadata import metadata
from tasks.pipeline.transcode import transcode
from tests.support.receiving import receive

_PAUSE_SECONDS = 0.01


def instances_of(files: Path) -> list[tuple[SeriesKey, str, Path]]:
    """Of FILES/<study>/<series>/<SOP>.dcm."""
    return [
        (SeriesKey("default", *path.parts[-3:-1]), path.stem, path)
        for path in sorted(files.glob("*/*/*.dcm"))
    ]


def store(files: Path, dice: random.Random, noted: Path) -> None:
    """Send what is there, again and again, and note each UID before it is sent."""
    intake = Intake.open(settings.ENVIRONMENT, owner="sender")
    every = instances_of(files)
    while True:
        for _, uid, path in dice.sample(every, k=dice.randint(1, 6)):
            receive(intake, path)
            with noted.open("a") as file:
                file.write(f"{uid}\n")
        intake.cut()
        time.sleep(10 * _PAUSE_SECONDS)


def take(files: Path, dice: random.Random) -> None:
    every, archive = instances_of(files), open_store(settings.ENVIRONMENT)
    while True:
        key, uid, _ = dice.choice(every)
        depth = dice.choice((0, 1, 2))
        target = Target(
            tenant=key.tenant,
            study_instance_uid=key.study_instance_uid,
            series_instance_uid=key.series_instance_uid if depth else None,
            sop_instance_uid=uid if depth == 2 else None,
        )
        with suppress(NothingToDelete):
            delete(archive, target, Request(by="rounds", source="command"))
        time.sleep(_PAUSE_SECONDS)


def work() -> None:
    archive = open_store(settings.ENVIRONMENT)
    while True:
        pass_stages(archive)
        time.sleep(_PAUSE_SECONDS)


def keep_up(dice: random.Random) -> None:
    while True:
        done = list(Deletion.objects.filter(state=Deletion.State.DONE).values_list("pk", flat=True))
        if done and dice.random() < 0.3:
            request_restore(Deletion.objects.filter(pk=dice.choice(done)))
        deletions()
        time.sleep(_PAUSE_SECONDS)


def pass_stages(archive: FilesystemStore) -> None:
    """Every batch that waits, through all of its stages."""
    for path in cut_segments(archive.absolute(JOURNAL)):
        with suppress(FileNotFoundError):
            batch = read_segment(path).batch
            if batch.instances:
                index(batch_to_message(batch))
    for batch_id in _waiting():
        for stage in (metadata, transcode, load):
            stage(batch_id)


def settle(archive: FilesystemStore) -> None:
    """What a dispatcher, workers and beat would have done in the end."""
    for _ in range(3):  # what is restored is received once more
        with orphaned_segments(archive.absolute(JOURNAL)) as orphans:
            for path in orphans:
                cut_orphan(path)
        for row in Batch.objects.filter(indexed_at=None, manifest__isnull=False):
            index(row.manifest)
        pass_stages(archive)
        deletions()


def _waiting() -> Iterator[str]:
    waiting = Batch.objects.exclude(state=Batch.State.DONE).exclude(indexed_at=None)
    return waiting.values_list("pk", flat=True).iterator()


def play(role: str, files: Path, seed: int, noted: Path) -> None:
    log.configure(role, log_format="console", level="CRITICAL")
    connection.close()
    dice = random.Random(seed)
    match role.partition("-")[0]:
        case "store":
            store(files, dice, noted)
        case "delete":
            take(files, dice)
        case "work":
            work()
        case _:
            keep_up(dice)
