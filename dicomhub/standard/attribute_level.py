"""Which attributes say something of a study, and which of a series. PS3.3 C.7.1 to C.7.5.

A study's are those of its patient, too. What is neither is an instance's.
"""

from typing import Final

from dicomhub.standard.attributes import tag_of


def _tags(*keywords: str) -> frozenset[str]:
    return frozenset(tag for tag in map(tag_of, keywords) if tag)


_STUDY: Final = _tags(
    "StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "StudyDescription", "AccessionNumber",
    "IssuerOfAccessionNumberSequence", "ReferringPhysicianName", "ReferringPhysicianIdentificationSequence",
    "ConsultingPhysicianName", "ConsultingPhysicianIdentificationSequence", "PhysiciansOfRecord",
    "PhysiciansOfRecordIdentificationSequence", "NameOfPhysiciansReadingStudy",
    "PhysiciansReadingStudyIdentificationSequence", "RequestingService", "RequestingServiceCodeSequence",
    "RequestingPhysician", "ReferencedStudySequence", "ReferencedPatientSequence", "ProcedureCodeSequence",
    "ReasonForPerformedProcedureCodeSequence", "AdmittingDiagnosesDescription",
    "AdmittingDiagnosesCodeSequence", "ReasonForVisit", "ReasonForVisitCodeSequence",
    "TimezoneOffsetFromUTC",
)  # fmt: skip
_SERIES: Final = _tags(
    "SeriesInstanceUID", "Modality", "SeriesNumber", "SeriesDate", "SeriesTime", "SeriesDescription",
    "SeriesDescriptionCodeSequence", "Laterality", "BodyPartExamined", "PatientPosition", "ProtocolName",
    "AnatomicalOrientationType", "TreatmentSessionUID", "PerformingPhysicianName",
    "PerformingPhysicianIdentificationSequence", "OperatorsName", "OperatorIdentificationSequence",
    "ReferencedPerformedProcedureStepSequence", "RelatedSeriesSequence", "RequestAttributesSequence",
    "SmallestPixelValueInSeries", "LargestPixelValueInSeries", "PerformedProcedureStepID",
    "PerformedProcedureStepStartDate", "PerformedProcedureStepStartTime", "PerformedProcedureStepEndDate",
    "PerformedProcedureStepEndTime", "PerformedProcedureStepDescription", "PerformedProtocolCodeSequence",
    "CommentsOnThePerformedProcedureStep", "Manufacturer", "ManufacturerModelName",
    "ManufacturerDeviceClassUID", "InstitutionName", "InstitutionAddress", "InstitutionalDepartmentName",
    "InstitutionalDepartmentTypeCodeSequence", "StationName", "DeviceSerialNumber", "DeviceUID",
    "SoftwareVersions", "GantryID", "UDISequence", "SpatialResolution", "DateOfLastCalibration",
    "TimeOfLastCalibration", "FrameOfReferenceUID", "PositionReferenceIndicator",
    "ClinicalTrialCoordinatingCenterName", "ClinicalTrialSeriesID", "IssuerOfClinicalTrialSeriesID",
    "ClinicalTrialSeriesDescription", "TimezoneOffsetFromUTC",
)  # fmt: skip
# Patient, Patient Study and Clinical Trial modules, and those of the visit.
_GROUPS_OF_STUDIES: Final = ("0010", "0012", "0038")


def is_of_study(tag: str) -> bool:
    return tag in _STUDY or (tag[:4] in _GROUPS_OF_STUDIES and tag not in _SERIES)


def is_of_series(tag: str) -> bool:
    """Of the series itself, or of its study."""
    return tag in _SERIES or is_of_study(tag)
