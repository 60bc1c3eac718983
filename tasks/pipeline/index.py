"""The index stage: patients, studies and series of a batch become rows."""

from typing import Any

from celery import shared_task
from django.conf import settings

from dicomhub.archive import services
from dicomhub.intake.journal import settle
from dicomhub.log import logger
from dicomhub.metadata.instance_model import read_instance_model
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
    newest: dict[SeriesKey, StoredInstance] = {}
    for instance in sorted(batch.instances, key=lambda instance: instance.received_at):
        key = SeriesKey(instance.tenant, instance.study_instance_uid, instance.series_instance_uid)
        newest[key] = instance
    return {
        key: read_instance_model(store, key, sop_instance_uid=instance.sop_instance_uid, path=instance.path)[
            0
        ]
        for key, instance in newest.items()
    }
