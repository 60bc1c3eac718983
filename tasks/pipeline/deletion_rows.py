"""What a deletion is in the warehouse: rows that take the place of what is not in the archive any more."""

from collections.abc import Iterable

from dicomhub.archive import selectors
from dicomhub.archive.locking import revision_at
from dicomhub.deletion.models import Deletion
from dicomhub.metadata.series import read_series
from dicomhub.storage.deleted import DeletedFile
from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.storage.layout import SeriesKey
from tasks.pipeline.batch_rows import series_row
from tasks.warehouse.rows import deleted_image_row, deleted_state_row
from tasks.warehouse.tables import IMAGE_META, STATE_META, Table


def deletion_rows(
    store: FilesystemStore, deletion: Deletion, files: Iterable[DeletedFile]
) -> dict[Table, list[bytes]]:
    """A row an instance and a row a series, by table. Made again they are the same, or newer ones.

    An instance's is as old as the deletion, so that of one that was stored again since goes before it.
    """
    images, keys = [], set()
    for file in files:
        keys.add(file.key)
        images.append(
            deleted_image_row(
                file.key, file.sop_instance_uid, path=file.path, deleted_at=deletion.requested_at
            )
        )
    return {IMAGE_META: images, STATE_META: [_state(store, deletion, key) for key in sorted(keys)]}


def _state(store: FilesystemStore, deletion: Deletion, key: SeriesKey) -> bytes:
    row = selectors.series_by_uids(key.tenant, [key[1:]]).get(key[1:])
    if row is not None:
        return series_row(row, read_series(store, key, is_fresh=row.is_document_fresh).entries)
    assert deletion.finished_at is not None
    deleted_at = deletion.finished_at
    return deleted_state_row(key, revision=revision_at(deleted_at), deleted_at=deleted_at)
