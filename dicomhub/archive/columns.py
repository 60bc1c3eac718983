"""The DICOM attributes that have a column of their own, a level at a time.

The index stage fills the columns, a search matches them and answers from them, all by these tables. The
column of a keyword is its snake case: StudyInstanceUID is study_instance_uid.
"""

import re
from dataclasses import dataclass
from typing import Final

from dicomhub.standard.attributes import tag_of, vr_of

_WORD_STARTS = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass(frozen=True, slots=True)
class Column:
    r"""is_list: several values, each between backslashes: \CT\SR\ ."""

    keyword: str
    tag: str
    vr: str
    name: str
    is_list: bool = False

    @property
    def folded_name(self) -> str:
        """The column beside a person name that searches look into."""
        return f"{self.name}_folded"


def _column(keyword: str, *, is_list: bool = False, name: str = "") -> Column:
    tag = tag_of(keyword)
    vr = tag and vr_of(tag)
    if not tag or not vr:
        raise LookupError(keyword)
    return Column(keyword, tag, vr, name or _WORD_STARTS.sub("_", keyword).lower(), is_list)


def _columns(*keywords: str) -> tuple[Column, ...]:
    return tuple(_column(keyword) for keyword in keywords)


PATIENT_COLUMNS: Final = _columns(
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
)

STUDY_COLUMNS: Final = _columns(
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "StudyID",
    "StudyDescription",
    "ReferringPhysicianName",
    "PatientAge",
    "TimezoneOffsetFromUTC",
)

SERIES_COLUMNS: Final = (
    *_columns(
        "SeriesInstanceUID",
        "Modality",
        "SeriesNumber",
        "SeriesDate",
        "SeriesTime",
        "SeriesDescription",
        "BodyPartExamined",
        "Laterality",
        "ProtocolName",
        "PerformedProcedureStepStartDate",
        "PerformedProcedureStepStartTime",
        "PerformedProcedureStepID",
        "InstitutionName",
        "InstitutionalDepartmentName",
        "Manufacturer",
        "ManufacturerModelName",
        "StationName",
        "DeviceSerialNumber",
        "TimezoneOffsetFromUTC",
        "RequestAttributesSequence",
    ),
    _column("PerformingPhysicianName", is_list=True),
    _column("OperatorsName", is_list=True),
)

# Derived, not copied from a header: the index stage works these out from the series.
MODALITIES_IN_STUDY: Final = _column("ModalitiesInStudy", is_list=True)
SOP_CLASSES_IN_STUDY: Final = _column("SOPClassesInStudy", is_list=True)
SOP_CLASSES_OF_SERIES: Final = _column("SOPClassUID", is_list=True, name="sop_class_uids")
STUDY_COUNTS: Final = (
    _column("NumberOfStudyRelatedSeries", name="number_of_series"),
    _column("NumberOfStudyRelatedInstances", name="number_of_instances"),
)
SERIES_COUNTS: Final = (_column("NumberOfSeriesRelatedInstances", name="number_of_instances"),)
# Taken out of RequestAttributesSequence, so that a search finds the series of a scheduled step.
SCHEDULED_PROCEDURE_STEP_ID: Final = _column("ScheduledProcedureStepID", is_list=True)
REQUESTED_PROCEDURE_ID: Final = _column("RequestedProcedureID", is_list=True)
REQUEST_COLUMNS: Final = (SCHEDULED_PROCEDURE_STEP_ID, REQUESTED_PROCEDURE_ID)
