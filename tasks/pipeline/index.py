"""The index stage: patients, studies and series of a batch become rows."""

from typing import Any

from celery import shared_task
from django.conf import settings

from dicomhub.archive import services
from dicomhub.archive.incoming import key_of
from dicomhub.intake.journal import settle
from dicomhub.log import logger
from dicomhub.metadata.instance_model import UNREADABLE, read_instance_model
from dicomhub.storage.filesystem import FilesystemStore, open_store
from dicomhub.storage.layout import JOURNAL, SeriesKey
from tasks.messages import InstanceBatch, StoredInstance, batch_from_message
from tasks.route import INDEX


@shared_task(name=INDEX.task)
def index(message: dict[str, Any]) -> None:
    """Take over the batch from the journal, then index it. Delivered twice, it changes nothing."""
    batch = batch_from_message(message)
    store = open_store(settings.ENVIRONMENT)
    services.accept_batch(batch)
    settle(store.absolute(JOURNAL), batch.batch_id)
    headers = _headers(store, batch)
    services.index_batch(batch, headers=headers, store=store)
    logger().info("batch_indexed", instances=len(batch.instances), series=len(headers))


def _headers(store: FilesystemStore, batch: InstanceBatch) -> dict[SeriesKey, dict[str, Any]]:
    """The DICOM JSON Model of the newest instance of each series: what its rows are made from."""
    headers: dict[SeriesKey, dict[str, Any]] = {}
    for instance in sorted(batch.instances, key=lambda instance: instance.received_at, reverse=True):
        key = key_of(instance)
        if not headers.get(key):
            headers[key] = _header(store, key, instance)
    return headers


def _header(store: FilesystemStore, key: SeriesKey, instance: StoredInstance) -> dict[str, Any]:
    """Empty for a file that is not there or not readable any more: it must not keep the others back."""
    try:
        return read_instance_model(store, key, instance.sop_instance_uid)[0]
    except UNREADABLE as error:
        logger().error("archived_file_unreadable", instance=instance.sop_instance_uid, error=str(error))
        return {}
