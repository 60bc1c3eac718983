"""What must hold once everything that was killed has been brought to its end."""

from collections import Counter
from collections.abc import Iterator

import orjson
from django.conf import settings
from django.db import connection

from dicomhub.archive.models import Batch, Patient, Series, Study
from dicomhub.deletion.models import Deletion
from dicomhub.deletion.selectors import is_deleted
from dicomhub.metadata.series import read_series
from dicomhub.storage.deleted import deleted_files
from dicomhub.storage.filesystem import FilesystemStore, open_store
from dicomhub.storage.layout import SeriesKey
from tasks.warehouse.open import open_warehouse
from tasks.warehouse.queries import QueryName
from tasks.warehouse.spool import open_spool
from tasks.warehouse.tables import IMAGE_META, STATE_META
from tests.breaking.deletion_roles import settle
from tests.support.spooling import load_everything


def states() -> Counter[str]:
    return Counter(Deletion.objects.values_list("state", flat=True))


def problems(stored: set[str]) -> list[str]:
    """stored: the UIDs that were ever answered as stored."""
    connection.close()  # a child may have been forked with it
    store = open_store(settings.ENVIRONMENT)
    settle(store)
    live = _live(store)
    return [*_of_files(store, live, stored), *_of_rows(store, live), *_of_warehouse(live)]


def _live(store: FilesystemStore) -> dict[SeriesKey, set[str]]:
    live: dict[SeriesKey, set[str]] = {}
    for path in store.absolute("default").glob("*/*/*.dcm"):
        live.setdefault(SeriesKey("default", *path.parts[-3:-1]), set()).add(path.stem)
    return live


def _of_files(store: FilesystemStore, live: dict[SeriesKey, set[str]], stored: set[str]) -> Iterator[str]:
    kept = {file.sop_instance_uid for row in Deletion.objects.all() for file in deleted_files(store, row.pk)}
    served = {uid for uids in live.values() for uid in uids}
    if lost := stored - served - kept:
        yield f"neither in the archive nor among what was deleted: {lost}"
    for uid in stored - served:
        study, series = uid.rsplit(".", 2)[0], uid.rsplit(".", 1)[0]
        if not is_deleted("default", study, series, uid):
            yield f"{uid} is not there, and not known to be deleted"


def _of_rows(store: FilesystemStore, live: dict[SeriesKey, set[str]]) -> Iterator[str]:
    half = Deletion.objects.exclude(state__in=("done", "restored")) | Deletion.objects.filter(
        is_settled=False
    )
    for row in half:
        yield f"deletion {row.pk} is {row.state}, settled: {row.is_settled}"
    for batch in Batch.objects.exclude(state=Batch.State.DONE):
        yield f"batch {batch} is {batch.state} after {batch.stage}: {batch.error}"
    counts = {key: len(uids) for key, uids in live.items()}
    rows = {
        SeriesKey(row.tenant_name, row.study.study_instance_uid, row.series_instance_uid): row
        for row in Series.objects.select_related("study")
    }
    if counts != {key: row.number_of_instances for key, row in rows.items()}:
        yield f"files {counts}, rows {rows}"
    of_studies = Counter[str]()
    for key, number in counts.items():
        of_studies[key.study_instance_uid] += number
    studies = dict(Study.objects.values_list("study_instance_uid", "number_of_instances"))
    if of_studies != studies:
        yield f"files of studies {of_studies}, rows {studies}"
    if without := Patient.objects.filter(studies=None):
        yield f"patients without a study: {without}"
    for key, row in rows.items():
        lines = read_series(store, key, is_fresh=row.is_document_fresh).lines
        if {orjson.loads(line)["00080018"]["Value"][0] for line in lines} != live.get(key, set()):
            yield f"the document of {key} is not of its files (fresh: {row.is_document_fresh})"


def _of_warehouse(live: dict[SeriesKey, set[str]]) -> Iterator[str]:
    environment = settings.ENVIRONMENT
    warehouse = open_warehouse(environment.warehouse)
    load_everything(open_spool(environment), warehouse, environment.warehouse)
    rows = dict(warehouse.query(QueryName.ROWS, {"tenant": None}).rows)
    expected = {IMAGE_META.name: sum(map(len, live.values())), STATE_META.name: len(live)}
    if expected != {name: rows[name] for name in expected}:
        yield f"the warehouse has {rows}, the archive {expected}"
