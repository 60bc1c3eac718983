"""Attributes by tag and keyword, and those that a search returns at each level. PS3.6 6, PS3.18 10.6.3.

A tag is written as in the DICOM JSON Model: 8 hexadecimal digits, upper case.
"""

import re
from functools import lru_cache
from typing import Final

from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword

_TAG = re.compile(r"[0-9A-Fa-f]{8}", re.ASCII)

STUDY_ATTRIBUTES: Final = (
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "InstanceAvailability",
    "ModalitiesInStudy",
    "ReferringPhysicianName",
    "TimezoneOffsetFromUTC",
    "RetrieveURL",
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyInstanceUID",
    "StudyID",
    "NumberOfStudyRelatedSeries",
    "NumberOfStudyRelatedInstances",
)
"""What a search for studies returns without being asked. PS3.18 table 10.6.3-3."""

SERIES_ATTRIBUTES: Final = (
    "Modality",
    "TimezoneOffsetFromUTC",
    "SeriesDescription",
    "RetrieveURL",
    "SeriesInstanceUID",
    "SeriesNumber",
    "NumberOfSeriesRelatedInstances",
    "PerformedProcedureStepStartDate",
    "PerformedProcedureStepStartTime",
    "RequestAttributesSequence",
)
"""What a search for series returns without being asked. PS3.18 table 10.6.3-4."""

INSTANCE_ATTRIBUTES: Final = (
    "SOPClassUID",
    "SOPInstanceUID",
    "InstanceAvailability",
    "TimezoneOffsetFromUTC",
    "RetrieveURL",
    "InstanceNumber",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "BitsAllocated",
)
"""What a search for instances returns without being asked. PS3.18 table 10.6.3-5."""


@lru_cache(maxsize=4096)
def tag_of(keyword_or_hex: str) -> str | None:
    """The tag that a keyword of PS3.6 or 8 hexadecimal digits name; None for neither.

    Digits name a tag whether the dictionary has it or not: it may be private.
    """
    if _TAG.fullmatch(keyword_or_hex):
        return keyword_or_hex.upper()
    # Attributes without a keyword have the empty one in pydicom's dictionary.
    tag = tag_for_keyword(keyword_or_hex) if keyword_or_hex else None
    return None if tag is None else f"{tag:08X}"


@lru_cache(maxsize=4096)
def vr_of(tag: str) -> str | None:
    """The VR of a standard attribute, the first one where PS3.6 allows several ("US or SS"); else None."""
    try:
        return str(dictionary_VR(int(tag, 16)))[:2]
    except KeyError:
        return None


@lru_cache(maxsize=4096)
def keyword_of(tag: str) -> str | None:
    """The keyword of a standard attribute, else None."""
    return keyword_for_tag(int(tag, 16)) or None
