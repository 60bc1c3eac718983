"""Bring back what was deleted, through the intake: it is indexed and rendered like anything else."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from django.db.models import QuerySet

from dicomhub.deletion.models import Deletion
from dicomhub.deletion.selectors import restorable
from dicomhub.intake.door import Intake
from dicomhub.intake.refusal import DuplicateRefused
from dicomhub.log import logger
from dicomhub.standard.element import DataSetMalformed
from dicomhub.standard.part10 import Part10Malformed
from dicomhub.standard.transfer_syntax import TransferSyntaxUnknown
from dicomhub.storage.deleted import (
    DeletedFile,
    deleted_files,
    locked_deletion,
    put_versions_back,
    remove_deletion,
)

_NOT_RESTORABLE = (DuplicateRefused, DataSetMalformed, Part10Malformed, TransferSyntaxUnknown)


def request_restore(deletions: "QuerySet[Deletion]") -> int:
    """Have deletions undone. Returns of how many there is still something kept."""
    wanted = restorable().filter(pk__in=deletions.values("pk"))
    return wanted.update(state=Deletion.State.RESTORING)


def restore(
    intake: Intake,
    deletion: Deletion,
    *,
    deadline: float = float("inf"),
    progress: Callable[[], None] = lambda: None,
) -> None:
    """Put back what is kept of a deletion that is to be restored; on time.monotonic() past deadline, stop.

    An instance that was stored again since, with other bytes, is served as it is; the deleted one stays where
    it is kept, and the deletion is done again. Raises OSError.
    """
    with locked_deletion(intake.store, deletion.deletion_id, wait=False) as is_ours:
        if not is_ours:
            return
        deletion.refresh_from_db()
        if deletion.state != Deletion.State.RESTORING:
            return
        restored = kept = 0
        for file in deleted_files(intake.store, deletion.deletion_id):
            if time.monotonic() > deadline:
                break
            is_back = _put_back(intake, deletion, file)
            restored, kept = restored + is_back, kept + (not is_back)
            progress()
        else:
            _finish(intake, deletion, kept=kept)
        intake.cut()
        logger().info(
            "restored_to_archive", deletion=deletion.deletion_id, instances=restored, kept_back=kept
        )


def _put_back(intake: Intake, deletion: Deletion, file: DeletedFile) -> bool:
    try:
        intake.restore(
            file.kept_path, tenant=file.key.tenant, path=file.path, trace_id=f"restore-{deletion.deletion_id}"
        )
    except _NOT_RESTORABLE as error:
        logger().warning("deleted_instance_not_restored", path=file.kept_path, error=str(error))
        return False
    put_versions_back(intake.store, file, deletion.deletion_id)
    intake.store.absolute(file.kept_path).unlink()
    return True


def _finish(intake: Intake, deletion: Deletion, *, kept: int) -> None:
    deletion.state = Deletion.State.DONE
    if not kept:
        remove_deletion(intake.store, deletion.deletion_id)
        deletion.state = Deletion.State.RESTORED
        deletion.is_settled = True
        deletion.ended_at = datetime.now(UTC)
    deletion.save()
