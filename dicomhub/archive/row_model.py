"""Rows as data sets in the DICOM JSON Model. PS3.18 F."""

from collections.abc import Callable, Collection
from typing import Any, Final

from dicomhub.archive.attributes import Row
from dicomhub.archive.columns import (
    MODALITIES_IN_STUDY,
    PATIENT_COLUMNS,
    SERIES_COLUMNS,
    SERIES_COUNTS,
    SOP_CLASSES_IN_STUDY,
    STUDY_COLUMNS,
    STUDY_COUNTS,
    Column,
)
from dicomhub.archive.models import Series, Study
from dicomhub.archive.typed_value import DataSetModel, element

_OF_STUDY: Final = (*STUDY_COLUMNS, MODALITIES_IN_STUDY, SOP_CLASSES_IN_STUDY, *STUDY_COUNTS)
_OF_SERIES: Final = (*SERIES_COLUMNS, *SERIES_COUNTS)
_STUDY_UID: Final = next(column for column in STUDY_COLUMNS if column.keyword == "StudyInstanceUID")

STUDY_ROW_TAGS: Final = frozenset(column.tag for column in (*PATIENT_COLUMNS, *_OF_STUDY))
SERIES_ROW_TAGS: Final = frozenset(column.tag for column in (*_OF_SERIES, _STUDY_UID))


def study_model(study: Study, tags: Collection[str] = STUDY_ROW_TAGS) -> DataSetModel:
    """What the archive's tables say of a study and its patient; attributes without a value are empty."""
    return _elements(study.patient, PATIENT_COLUMNS, tags) | _elements(study, _OF_STUDY, tags)


def series_model(series: Series, tags: Collection[str] = SERIES_ROW_TAGS) -> DataSetModel:
    """What the archive's tables say of a series itself; attributes without a value are empty."""
    return _elements(series, _OF_SERIES, tags) | _elements(series.study, (_STUDY_UID,), tags)


def _elements(row: Row, columns: tuple[Column, ...], tags: Collection[str]) -> DataSetModel:
    verbatim: Callable[[str], Any] = row.verbatim.get
    return {
        column.tag: element(column, getattr(row, column.name), verbatim(column.keyword))
        for column in columns
        if column.tag in tags
    }
