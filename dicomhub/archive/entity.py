"""Which study, series or instance of a tenant: what a path, a query or a command names. PS3.3 A.1.2."""

from dataclasses import dataclass

from dicomhub.standard.uid import checked_uid
from dicomhub.storage.layout import SeriesKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """Raises UidInvalid for what is no UID; it is safe to look for afterwards."""

    tenant: str
    study_instance_uid: str
    series_instance_uid: str | None = None
    sop_instance_uid: str | None = None

    def __post_init__(self) -> None:
        checked_uid("StudyInstanceUID", self.study_instance_uid)
        if self.series_instance_uid is not None:
            checked_uid("SeriesInstanceUID", self.series_instance_uid)
        if self.sop_instance_uid is not None:
            checked_uid("SOPInstanceUID", self.sop_instance_uid)

    @property
    def kind(self) -> str:
        """study, series or instance."""
        if self.series_instance_uid is None:
            return "study"
        return "series" if self.sop_instance_uid is None else "instance"

    @property
    def series_key(self) -> SeriesKey:
        """Of a series, or of the one that an instance is in; a study has none."""
        assert self.series_instance_uid is not None
        return SeriesKey(self.tenant, self.study_instance_uid, self.series_instance_uid)
