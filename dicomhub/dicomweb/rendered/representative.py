"""The one instance that stands for a series or a study in its thumbnail."""

from collections.abc import Iterator, Sequence
from itertools import chain, islice, zip_longest
from typing import Final

from dicomhub.archive import selectors
from dicomhub.archive.models import Series
from dicomhub.dicomweb.rendered.subject import Frames, NoPicture, subject_of
from dicomhub.dicomweb.resource import NothingThere, Resource
from dicomhub.dicomweb.retrieve.archived import ArchivedInstance, archived_instance
from dicomhub.metadata.manifest import read_manifest
from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.storage.layout import SeriesKey

# Modalities of what is no image, or none that one would know a study by: they are looked at last.
_NO_IMAGES: Final = frozenset(
    "SR PR KO DOC AU ECG EPS HD PLAN REG FID RTPLAN RTSTRUCT RTRECORD".split()  # noqa: SIM905 - a long list
)
_DERIVED: Final = frozenset(("SEG", "RTDOSE", "RWV", "SMR", "STAIN", "OT"))
_TRIED_A_SERIES: Final = 3
_TRIED: Final = 24


def representative(store: FilesystemStore, resource: Resource) -> tuple[ArchivedInstance, Frames]:
    """The middle instance of the series that shows most. Raises NothingThere where nothing has pixels."""
    if resource.sop_instance_uid is not None:
        candidates: Iterator[Resource] = iter((resource,))
    else:
        series = sorted(_series(resource), key=_promise)
        candidates = chain.from_iterable(
            islice(_from_the_middle(store, resource, each), _TRIED_A_SERIES) for each in series
        )
    for candidate in islice(candidates, _TRIED):
        try:
            instance = archived_instance(store, candidate)
            subject = subject_of(instance)
        except NothingThere:
            if candidate == resource:
                raise
            continue
        except NoPicture:
            continue
        if isinstance(subject, Frames):
            return instance, subject
    raise NothingThere("thumbnail: nothing there has pixels")


def _series(resource: Resource) -> list[Series]:
    found = selectors.series_of_study(resource.tenant, resource.study_instance_uid)
    wanted = [each for each in found if resource.series_instance_uid in (None, each.series_instance_uid)]
    if not wanted:
        raise NothingThere(resource.kind)
    return wanted


def _promise(series: Series) -> tuple[bool, bool, int]:
    """Images first, of them those that were acquired, of them the series with the most."""
    return series.modality in _NO_IMAGES, series.modality in _DERIVED, -series.number_of_instances


def _from_the_middle(store: FilesystemStore, resource: Resource, series: Series) -> Iterator[Resource]:
    """The instances of a series in the order of their numbers, the middle one first, then its neighbours."""
    uids = _uids(store, SeriesKey(resource.tenant, resource.study_instance_uid, series.series_instance_uid))
    middle = (len(uids) - 1) // 2
    before, after = uids[:middle][::-1], uids[middle:]
    for pair in zip_longest(after, before):
        for uid in pair:
            if uid is not None:
                yield Resource(
                    tenant=resource.tenant,
                    study_instance_uid=resource.study_instance_uid,
                    series_instance_uid=series.series_instance_uid,
                    sop_instance_uid=uid,
                )


def _uids(store: FilesystemStore, key: SeriesKey) -> Sequence[str]:
    """As the manifest has them, which is in order; else as the folder has."""
    manifest = read_manifest(store, key)
    if manifest is not None and manifest.instances:
        return [entry.sop_instance_uid for entry in manifest.instances]
    return sorted(file.sop_instance_uid for file in store.instance_files(*key))
