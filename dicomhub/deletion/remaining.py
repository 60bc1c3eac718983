"""What a study still holds, as its rows are to say: read from the files and documents that are left."""

import orjson

from dicomhub.archive.models import Series, Study
from dicomhub.archive.selectors import series_of_study, unmerged_instances
from dicomhub.archive.services import recount_study
from dicomhub.archive.withdrawing import Remaining
from dicomhub.deletion.target import Target
from dicomhub.metadata.series import build_series
from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.storage.layout import SeriesKey


def recount(store: FilesystemStore, target: Target) -> None:
    """Bring the rows of what the target was taken out of up to date. Raises StudyChanged: once more, then."""
    study = Study.objects.filter(**target.study._asdict()).first()
    if study is None:
        return
    rows = series_of_study(*target.study)
    touched = target.touches(rows)
    series = {row.series_instance_uid: _remaining(store, row) for row in touched}
    others = [row for row in rows if row not in touched]
    recount_study(
        target.study,
        revision=study.revision,
        series=series,
        newest=_newest(store, study, [one for one in series.values() if one is not None], others),
        store=store,
    )


def _newest(
    store: FilesystemStore, study: Study, touched: list[Remaining], others: list[Series]
) -> Remaining | None:
    """What the study's attributes come from now; None when they are of a series that has lost nothing."""
    times = {row.attributes_received_at: row for row in others if row.attributes_received_at is not None}
    if study.attributes_received_at in times:
        return None
    latest = _remaining(store, times[max(times)]) if times else None
    return max([*touched, *filter(None, [latest])], key=lambda one: one.received_at, default=None)


def _remaining(store: FilesystemStore, row: Series) -> Remaining | None:
    """None of a series that holds nothing, or nothing that can be read."""
    key = SeriesKey(row.tenant_name, row.study.study_instance_uid, row.series_instance_uid)
    built = build_series(store, key, received=unmerged_instances(row))
    lines = zip(built.entries, built.lines, strict=True)
    newest = max(lines, key=lambda each: (each[0].received_at, each[0].sop_instance_uid), default=None)
    if newest is None:
        return None
    entry, line = newest
    classes = frozenset(each.sop_class_uid for each in built.entries if each.sop_class_uid)
    return Remaining(orjson.loads(line), entry.received_at, classes)
