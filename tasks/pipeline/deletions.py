"""What follows from deletions, from beat: completed, told to others, restored, purged."""

import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta

from celery import shared_task
from django.conf import settings

from dicomhub.archive.models import Study
from dicomhub.archive.selectors import series_of_study
from dicomhub.deletion import selectors
from dicomhub.deletion.deleting import complete_interrupted
from dicomhub.deletion.models import Deletion
from dicomhub.deletion.purging import purge
from dicomhub.deletion.restoring import restore
from dicomhub.intake.door import Intake
from dicomhub.log import logger
from dicomhub.metadata.series import remove_series
from dicomhub.metadata.study import remove_study
from dicomhub.storage.deleted import DeletedFile, deleted_files
from dicomhub.storage.filesystem import FilesystemStore, open_store
from dicomhub.storage.layout import instance_path, study_metadata_directory
from dicomhub.transcoding.models import UnrenderedInstance
from dicomhub.transcoding.services import forget_unrendered
from tasks.app import TASK_SOFT_LIMIT_SECONDS
from tasks.pipeline.deletion_rows import deletion_rows
from tasks.pipeline.metadata import document
from tasks.route import DELETIONS_TASK
from tasks.warehouse.spool import SpoolFull, open_spool

# Nothing is begun later than this.
_RUN_SECONDS = TASK_SOFT_LIMIT_SECONDS / 4


@shared_task(name=DELETIONS_TASK)
def deletions() -> None:
    """Go on with every deletion that is not at its end. What a run leaves undone is the next one's."""
    environment = settings.ENVIRONMENT
    store = open_store(environment)
    end = time.monotonic() + _RUN_SECONDS
    old = datetime.now(UTC) - timedelta(days=environment.deleted_retention_days)
    for deletion in selectors.interrupted():
        _try(deletion, lambda one: complete_interrupted(store, one))
    for deletion in selectors.unsettled():
        _try(deletion, lambda one: settle(store, one))
    if waiting := list(selectors.restoring()):
        with closing(Intake.open(environment, owner="restore")) as intake:
            for deletion in waiting:
                _try(deletion, lambda one: restore(intake, one, deadline=end))
    for deletion in selectors.to_purge(old):
        if time.monotonic() > end:
            break
        _try(deletion, lambda one: purge(store, one))


def _try(deletion: Deletion, go_on: Callable[[Deletion], object]) -> None:
    """One that cannot go on now must not keep the others back."""
    try:
        go_on(deletion)
    except (OSError, SpoolFull) as error:
        logger().error(
            "deletion_stands_still", deletion=deletion.deletion_id, state=deletion.state, error=str(error)
        )


def settle(store: FilesystemStore, deletion: Deletion) -> None:
    """Tell the documents, the warehouse, and the log of what could not be rendered.

    Raises OSError, SpoolFull.
    """
    files = list(deleted_files(store, deletion.deletion_id))
    _settle_documents(store, deletion, files)
    open_spool(settings.ENVIRONMENT).append(deletion_rows(store, deletion, files))
    _settle_unrendered(store, deletion)
    Deletion.objects.filter(pk=deletion.pk).update(is_settled=True)
    logger().info("deletion_settled", deletion=deletion.deletion_id, instances=len(files))


def _settle_documents(store: FilesystemStore, deletion: Deletion, files: list[DeletedFile]) -> None:
    tenant, study_uid = deletion.tenant, deletion.study_instance_uid
    study = Study.objects.filter(tenant=tenant, study_instance_uid=study_uid).first()
    if study is not None:
        document(store, study)
    with store.locked_directory(study_metadata_directory(tenant, study_uid)):
        held = {series.series_instance_uid for series in series_of_study(tenant, study_uid)}
        for key in {file.key for file in files}:
            if key.series_instance_uid not in held:
                remove_series(store, key)
        if not held:
            remove_study(store, tenant, study_uid)


def _settle_unrendered(store: FilesystemStore, deletion: Deletion) -> None:
    of_study = UnrenderedInstance.objects.filter(
        tenant=deletion.tenant, study_instance_uid=deletion.study_instance_uid
    )
    forget_unrendered(row for row in of_study if not store.absolute(_path(row)).exists())


def _path(row: UnrenderedInstance) -> str:
    return instance_path(row.tenant, row.study_instance_uid, row.series_instance_uid, row.sop_instance_uid)
