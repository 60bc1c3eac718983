"""What a path of DICOMweb names: a study, a series or an instance of a tenant. PS3.18 10.1."""

from dataclasses import dataclass

from dicomhub.archive.entity import Entity


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource(Entity):
    @property
    def path(self) -> str:
        """Where it is below the service's root, with a slash in front."""
        path = f"/studies/{self.study_instance_uid}"
        if self.series_instance_uid is not None:
            path += f"/series/{self.series_instance_uid}"
        if self.sop_instance_uid is not None:
            path += f"/instances/{self.sop_instance_uid}"
        return path


class NothingThere(Exception):
    """The resource that a path names does not exist; what is its kind, in words."""

    def __init__(self, what: str) -> None:
        super().__init__(f"there is no such {what}")
        self.what = what


class Damaged(NothingThere):
    """It is archived, and its file can no longer be read as DICOM: there is no representation of it."""

    def __init__(self, what: str) -> None:
        Exception.__init__(self, f"this {what} is damaged in the archive")
        self.what = what


class Gone(NothingThere):
    """It was there, and was deleted."""

    def __init__(self, what: str) -> None:
        Exception.__init__(self, f"this {what} was deleted")
        self.what = what
