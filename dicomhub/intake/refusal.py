"""Why an instance is not archived. Knows no DIMSE and no HTTP; each door translates."""

from dicomhub.standard.status import ERROR_COMMENT_MAX_LENGTH


class IntakeRefused(Exception):
    """An instance was not archived. comment says why, in at most 64 characters, without patient data."""

    def __init__(self, comment: str) -> None:
        super().__init__(comment)
        self.comment = comment[:ERROR_COMMENT_MAX_LENGTH]


class OutOfResources(IntakeRefused):
    """The disk is full, under its reserve, or fails."""


class DuplicateRefused(IntakeRefused):
    """The instance is archived with other bytes, and its tenant keeps those."""


class TenantUnknown(IntakeRefused):
    """Nothing says whose the instance is, or what says it names nobody."""


class StudyDiffers(IntakeRefused):
    """The instance is of another study than the request is for."""


class SopClassNotPermitted(IntakeRefused):
    """The admission policy does not let instances of this SOP class in."""


class Unacceptable(IntakeRefused):
    """The data set itself is at fault; it would be refused again. Such bytes go to quarantine."""


class DataSetMismatch(Unacceptable):
    """The data set is of another SOP class than announced."""


class DataSetNotUnderstood(Unacceptable):
    """The data set cannot be read in its transfer syntax."""


class UidsNotUnderstood(Unacceptable):
    """A UID is missing or malformed, or the SOP Instance UID is not the announced one."""
