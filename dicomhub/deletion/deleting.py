"""Delete from the archive, in steps that can be done again.

The intent is a row in the database, and the lock on the deletion's folder says that somebody is at it. Files
are moved; then rows are recounted and the deletion is done, in one transaction. Whoever finds a deletion that
is under way with nobody at it completes it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import transaction

from dicomhub.archive.withdrawing import StudyChanged
from dicomhub.deletion.models import Deletion, Level
from dicomhub.deletion.remaining import recount
from dicomhub.deletion.target import Target
from dicomhub.intake.journal import new_batch_id
from dicomhub.log import logger
from dicomhub.storage.deleted import (
    deleted_files,
    has_instances,
    locked_deletion,
    open_deletion,
    series_on_disk,
    withdraw_series,
)
from dicomhub.storage.filesystem import FilesystemStore


class NothingToDelete(Exception):
    """There is no such study, series or instance."""

    def __init__(self, target: Target) -> None:
        super().__init__(f"there is no such {target.level}")
        self.target = target


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Who wants it deleted, by way of what, and why."""

    by: str
    source: str
    reason: str = ""


def delete(store: FilesystemStore, target: Target, request: Request) -> Deletion:
    """Delete what is in the archive now; what is stored while this goes on stays. Raises NothingToDelete."""
    if not target.exists(store):
        raise NothingToDelete(target)
    deletion_id = new_batch_id()
    with locked_deletion(store, deletion_id):
        deletion = Deletion.objects.create(
            deletion_id=deletion_id,
            tenant=target.tenant,
            level=target.level,
            gone=target.level,
            study_instance_uid=target.study_instance_uid,
            series_instance_uid=target.series_instance_uid or "",
            sop_instance_uid=target.sop_instance_uid or "",
            requested_by=request.by[:255],
            source=request.source,
            reason=request.reason,
            began_at_ns=open_deletion(store, deletion_id),
        )
        _complete(store, deletion)
    return deletion


def complete_interrupted(store: FilesystemStore, deletion: Deletion) -> None:
    """Go on with a deletion whose process has ended; one that somebody is at is left alone."""
    with locked_deletion(store, deletion.deletion_id, wait=False) as is_ours:
        if is_ours:
            deletion.refresh_from_db()
            if deletion.state == Deletion.State.RUNNING:
                logger().warning("interrupted_deletion_taken_up", deletion=deletion.deletion_id)
                _complete(store, deletion)


def _complete(store: FilesystemStore, deletion: Deletion) -> None:
    target = Target.of(deletion)
    for key in target.series(store):
        withdraw_series(
            store,
            key,
            deletion.deletion_id,
            began_at_ns=deletion.began_at_ns,
            sop_instance_uid=target.sop_instance_uid,
        )
    while not _recounted(store, target, deletion):
        pass  # another batch of the study was indexed in between
    logger().info(
        "deleted_from_archive",
        deletion=deletion.deletion_id,
        tenant=deletion.tenant,
        level=deletion.level,
        study=deletion.study_instance_uid,
        series=deletion.series_instance_uid,
        instance=deletion.sop_instance_uid,
        instances=deletion.number_of_instances,
        size_bytes=deletion.size_bytes,
        by=deletion.requested_by,
        source=deletion.source,
    )


def _recounted(store: FilesystemStore, target: Target, deletion: Deletion) -> bool:
    sizes = [file.size_bytes for file in deleted_files(store, deletion.deletion_id)]
    deletion.number_of_instances, deletion.size_bytes = len(sizes), sum(sizes)
    deletion.gone = _gone(store, target)
    deletion.state = Deletion.State.DONE
    deletion.finished_at = datetime.now(UTC)
    try:
        with transaction.atomic():
            recount(store, target)
            deletion.save()
    except StudyChanged:
        return False
    return True


def _gone(store: FilesystemStore, target: Target) -> Level:
    """The highest level of which nothing is left."""
    if target.level == Level.STUDY or not series_on_disk(store, *target.study):
        return Level.STUDY
    (key,) = target.series(store)
    is_series_gone = target.level == Level.SERIES or not has_instances(store, key)
    return Level.SERIES if is_series_gone else Level.INSTANCE
