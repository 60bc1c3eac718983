"""The metadata stage: the documents of the series and studies that a batch has changed."""

from celery import shared_task
from django.conf import settings

from dicomhub.archive import selectors, services
from dicomhub.archive.models import Series, Study
from dicomhub.log import logger
from dicomhub.metadata.series import build_series, write_series
from dicomhub.metadata.study import write_study
from dicomhub.storage.filesystem import FilesystemStore, open_store
from dicomhub.storage.layout import SeriesKey, study_metadata_directory
from tasks.route import METADATA


@shared_task(name=METADATA.task)
def metadata(batch_id: str) -> None:
    """Bring the documents up to date. What an earlier run has covered already is left alone.

    Batches arrive faster than documents are made; the first run after several of them covers them all, and
    the others find nothing stale.
    """
    store = open_store(settings.ENVIRONMENT)
    for study in selectors.studies_of_batch(batch_id):
        document(store, study)
    services.batch_reached(batch_id, METADATA.name)


def document(store: FilesystemStore, study: Study) -> None:
    """Bring the documents of a study and its series up to date."""
    # One writer a study at a time, on any host: an older document must not replace a newer one.
    with store.locked_directory(study_metadata_directory(study.tenant_name, study.study_instance_uid)):
        for series in selectors.stale_series(study):
            _document_series(store, study, series)
        _document_study(store, study)


def _document_series(store: FilesystemStore, study: Study, series: Series) -> None:
    key = SeriesKey(study.tenant_name, study.study_instance_uid, series.series_instance_uid)
    # The revision was read before the folder is listed: a change in between makes the document stale again.
    built = build_series(store, key, received=selectors.unmerged_instances(series))
    write_series(store, key, built, revision=series.revision)
    services.series_documented(series.pk, series.revision)
    logger().info("series_documented", series=series.series_instance_uid, instances=len(built.lines))


def _document_study(store: FilesystemStore, study: Study) -> None:
    try:
        study.refresh_from_db(fields=["revision", "document_revision"])
    except Study.DoesNotExist:
        return  # deleted meanwhile
    if study.document_revision == study.revision:
        return
    series = selectors.series_of_study(study.tenant_name, study.study_instance_uid)
    if all(one.document_revision == one.revision for one in series):
        write_study(
            store,
            study.tenant_name,
            study.study_instance_uid,
            series=[one.series_instance_uid for one in series],
        )
        services.study_documented(study.pk, study.revision)
