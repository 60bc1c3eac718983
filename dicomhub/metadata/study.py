"""Study metadata: the documents of its series, one behind the other."""

from collections.abc import Iterator, Sequence

from dicomhub.metadata.pages import join, unpack
from dicomhub.metadata.series import read_series
from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.storage.layout import SeriesKey, series_metadata_path, study_metadata_path


def write_study(store: FilesystemStore, tenant: str, study: str, *, series: Sequence[str]) -> None:
    """Put the study's document together from those of its series, in the order given.

    Raises FileNotFoundError when one of them is missing.
    """
    documents = (store.read_document(series_metadata_path(tenant, study, uid)) for uid in series)
    store.write_document(study_metadata_path(tenant, study), join(documents))


def remove_study(store: FilesystemStore, tenant: str, study: str) -> None:
    """Of a study that is in the archive no more. Its documents are locked by the caller."""
    store.absolute(study_metadata_path(tenant, study)).unlink(missing_ok=True)


def read_study(
    store: FilesystemStore, tenant: str, study: str, *, series: Sequence[tuple[str, bool]], is_fresh: bool
) -> Iterator[bytes]:
    """The instances of a study, a JSON object each.

    series: the UID of each series, in order, and whether its documents are fresh; is_fresh: whether the
    study's own document is.
    """
    if is_fresh:
        try:
            yield from list(unpack(store.read_document(study_metadata_path(tenant, study))))
        except (OSError, EOFError):
            pass  # missing or damaged: the series have it all
        else:
            return
    for uid, series_is_fresh in series:
        yield from read_series(store, SeriesKey(tenant, study, uid), is_fresh=series_is_fresh).lines
