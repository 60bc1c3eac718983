"""Destroy what was deleted long enough ago. The record of it stays, and so does the answer 410."""

from datetime import UTC, datetime

from dicomhub.deletion.models import Deletion
from dicomhub.log import logger
from dicomhub.storage.deleted import locked_deletion, remove_deletion
from dicomhub.storage.filesystem import FilesystemStore

_State = Deletion.State


def purge(store: FilesystemStore, deletion: Deletion) -> bool:
    """False when it is not to be purged any more, or another process has it. Raises OSError."""
    with locked_deletion(store, deletion.deletion_id, wait=False) as is_ours:
        row = Deletion.objects.filter(pk=deletion.pk, state__in=(_State.DONE, _State.PURGING))
        if not is_ours or not row.update(state=_State.PURGING):
            return False
        remove_deletion(store, deletion.deletion_id)
        row.update(state=_State.PURGED, ended_at=datetime.now(UTC))
    logger().info(
        "deleted_instances_purged",
        deletion=deletion.deletion_id,
        tenant=deletion.tenant,
        study=deletion.study_instance_uid,
        instances=deletion.number_of_instances,
        size_bytes=deletion.size_bytes,
    )
    return True
