"""Rows as data sets in the DICOM JSON Model. PS3.18 F."""

from typing import Any

from dicomhub.archive.attributes import Row
from dicomhub.archive.columns import (
    MODALITIES_IN_STUDY,
    PATIENT_COLUMNS,
    SERIES_COLUMNS,
    SOP_CLASSES_IN_STUDY,
    STUDY_COLUMNS,
    Column,
)
from dicomhub.archive.models import Series, Study
from dicomhub.archive.typed_value import DataSetModel, element
from dicomhub.standard.attributes import tag_of

_DERIVED = (MODALITIES_IN_STUDY, SOP_CLASSES_IN_STUDY)


def study_model(study: Study) -> DataSetModel:
    """All that the archive's tables say of a study and its patient; attributes without a value are empty."""
    return _ordered(
        _elements(study.patient, PATIENT_COLUMNS),
        _elements(study, STUDY_COLUMNS),
        _elements(study, _DERIVED),
        _value("InstanceAvailability", "CS", "ONLINE"),
        _value("NumberOfStudyRelatedSeries", "IS", study.number_of_series),
        _value("NumberOfStudyRelatedInstances", "IS", study.number_of_instances),
    )


def series_model(series: Series) -> DataSetModel:
    """All that the archive's tables say of a series itself; attributes without a value are empty."""
    return _ordered(
        _elements(series, SERIES_COLUMNS),
        _value("StudyInstanceUID", "UI", series.study.study_instance_uid),
        _value("InstanceAvailability", "CS", "ONLINE"),
        _value("NumberOfSeriesRelatedInstances", "IS", series.number_of_instances),
    )


def _elements(row: Row, columns: tuple[Column, ...]) -> DataSetModel:
    return {
        column.tag: element(column, getattr(row, column.name), row.verbatim.get(column.keyword))
        for column in columns
    }


def _value(keyword: str, vr: str, value: Any) -> DataSetModel:
    tag = tag_of(keyword)
    assert tag is not None
    return {tag: {"vr": vr, "Value": [value]}}


def _ordered(*parts: DataSetModel) -> DataSetModel:
    """One data set, its tags ascending. PS3.18 F.2.2."""
    merged = {tag: value for part in parts for tag, value in part.items()}
    return dict(sorted(merged.items()))
