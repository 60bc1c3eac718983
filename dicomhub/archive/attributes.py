"""Copy a header's attributes into a row."""

from datetime import datetime

from dicomhub.archive.columns import (
    PATIENT_COLUMNS,
    REQUEST_COLUMNS,
    SERIES_COLUMNS,
    STUDY_COLUMNS,
    Column,
)
from dicomhub.archive.models import Patient, Series, Study
from dicomhub.archive.person_name import folded_names
from dicomhub.archive.typed_value import (
    FOLDED_MAX_LENGTH,
    DataSetModel,
    column_value,
    list_text,
    texts,
)

Row = Patient | Study | Series
# The receiving side has settled these: they are part of the instances' paths.
_SETTLED = {"StudyInstanceUID", "SeriesInstanceUID"}


def is_newer(received_at: datetime, row: Row) -> bool:
    """The newest instance's header wins, whatever the order in which batches are indexed."""
    return row.attributes_received_at is None or received_at >= row.attributes_received_at


def assign_patient(patient: Patient, header: DataSetModel, received_at: datetime) -> None:
    _assign(patient, PATIENT_COLUMNS, header, received_at)


def assign_study(study: Study, header: DataSetModel, received_at: datetime) -> None:
    _assign(study, STUDY_COLUMNS, header, received_at)
    study.study_date_time = ""
    if study.study_date is not None:
        date = study.study_date.isoformat().replace("-", "")
        study.study_date_time = date + (f"{study.study_time:%H%M%S}" if study.study_time else "000000")


def assign_series(series: Series, header: DataSetModel, received_at: datetime) -> None:
    _assign(series, SERIES_COLUMNS, header, received_at)
    for column in REQUEST_COLUMNS:
        items = (item for item in series.request_attributes_sequence if isinstance(item, dict))
        values = {value for item in items for value in texts(item, column.tag) if value}
        setattr(series, column.name, list_text(sorted(values)))


def _assign(row: Row, columns: tuple[Column, ...], header: DataSetModel, received_at: datetime) -> None:
    row.attributes_received_at = received_at
    row.verbatim = {}
    for column in columns:
        if column.keyword in _SETTLED:
            continue
        found = column_value(column, header)
        setattr(row, column.name, found.value)
        if found.verbatim is not None:
            row.verbatim[column.keyword] = found.verbatim
        if column.vr == "PN":
            names = texts(header, column.tag)
            folded = folded_names(names)
            setattr(row, column.folded_name, folded if column.is_list else folded[:FOLDED_MAX_LENGTH])
