"""What is to be deleted: a study, a series or an instance of a tenant."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from dicomhub.archive.entity import Entity
from dicomhub.archive.incoming import StudyKey
from dicomhub.archive.models import Series, Study
from dicomhub.deletion.models import Deletion, Level
from dicomhub.storage.deleted import has_instances, series_on_disk
from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.storage.layout import SeriesKey, instance_path


@dataclass(frozen=True, slots=True, kw_only=True)
class Target(Entity):
    @classmethod
    def of(cls, deletion: Deletion) -> Self:
        return cls(
            tenant=deletion.tenant,
            study_instance_uid=deletion.study_instance_uid,
            series_instance_uid=deletion.series_instance_uid or None,
            sop_instance_uid=deletion.sop_instance_uid or None,
        )

    @property
    def level(self) -> Level:
        return Level(self.kind)

    @property
    def study(self) -> StudyKey:
        return StudyKey(self.tenant, self.study_instance_uid)

    def series(self, store: FilesystemStore) -> list[SeriesKey]:
        """The series that may hold some of it."""
        if self.series_instance_uid is None:
            return series_on_disk(store, self.tenant, self.study_instance_uid)
        return [self.series_key]

    def exists(self, store: FilesystemStore) -> bool:
        """A file that no batch has brought to the database yet counts, and so do rows without a file."""
        if self.sop_instance_uid is not None:
            (key,) = self.series(store)
            return store.absolute(instance_path(*key, self.sop_instance_uid)).is_file()
        return any(has_instances(store, key) for key in self.series(store)) or self._has_rows()

    def _has_rows(self) -> bool:
        if self.series_instance_uid is None:
            return Study.objects.filter(**self.study._asdict()).exists()
        return Series.objects.filter(
            tenant=self.tenant,
            study__study_instance_uid=self.study_instance_uid,
            series_instance_uid=self.series_instance_uid,
        ).exists()

    def touches(self, series: Iterable[Series]) -> list[Series]:
        """Those of the study's series that lose instances."""
        return [row for row in series if self.series_instance_uid in (None, row.series_instance_uid)]
