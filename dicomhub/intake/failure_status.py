"""The status by which a peer learns why an instance was not archived.

A C-STORE response's (PS3.4 B.2.3, PS3.7 9.1.1.1.9), and a Failure Reason of STOW-RS (PS3.18 I.2.2).
"""

from dicomhub.intake.refusal import (
    DataSetMismatch,
    DataSetNotUnderstood,
    DuplicateRefused,
    IntakeRefused,
    OutOfResources,
    SopClassNotPermitted,
    StudyDiffers,
    TenantUnknown,
    UidsNotUnderstood,
)
from dicomhub.standard.status import Status

_STATUSES: dict[type[IntakeRefused], Status] = {
    OutOfResources: Status.OUT_OF_RESOURCES,
    DataSetMismatch: Status.DATA_SET_DOES_NOT_MATCH_SOP_CLASS,
    DataSetNotUnderstood: Status.CANNOT_UNDERSTAND,
    UidsNotUnderstood: Status.CANNOT_UNDERSTAND_UIDS,
    StudyDiffers: Status.STUDY_DIFFERS,
    SopClassNotPermitted: Status.SOP_CLASS_NOT_SUPPORTED,
    TenantUnknown: Status.NOT_AUTHORIZED,
    DuplicateRefused: Status.DUPLICATE_SOP_INSTANCE,
}


def status_of(refused: IntakeRefused) -> Status:
    return _STATUSES.get(type(refused), Status.CANNOT_UNDERSTAND)
