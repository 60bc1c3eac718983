"""The tables of the warehouse: the one definition that Doris' DDL, Parquet's schema and the rows go by.

A row travels as a line of JSON (NDJSON): an object with a member a column. A member that is absent is null.
Every table has a key, and a row that arrives twice is there once. Of two rows with one key the one with the
greater sequence stays, whatever the order in which they were loaded; in a table without a sequence they are
the same row. A log's key begins with the time that it is partitioned by, as Doris asks of a unique table.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

# In every row. It grows when a column is added; columns are never renamed, and never change their type.
SCHEMA_VERSION = 2


class ColumnType(Enum):
    """How a value is written in a row's JSON, by type of column."""

    UID = "uid"
    """A string of at most 64 bytes; "" where an access names no such UID."""
    CODE = "code"
    """A string of at most 128 bytes of ASCII."""
    TEXT = "text"
    """A string of any length, of any script."""
    INTEGER = "integer"
    """A number of 32 bits with sign."""
    BIGINT = "bigint"
    """A number of 64 bits with sign."""
    DOUBLE = "double"
    """A number."""
    DATE = "date"
    """"YYYY-MM-DD"."""
    DATETIME = "datetime"
    """"YYYY-MM-DD HH:MM:SS.ffffff" in UTC, without a zone; format_datetime writes it."""
    JSON = "json"
    """An object as it is, not a string that holds one."""


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    type: ColumnType
    comment: str = ""
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """partition_by: the DATETIME column by whose month a log is partitioned and, once old, dropped."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    sequence: str | None = None
    partition_by: str | None = None

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)


def _uid(name: str) -> Column:
    return Column(name, ColumnType.UID)


def _code(name: str, comment: str = "", *, nullable: bool = False) -> Column:
    return Column(name, ColumnType.CODE, comment, nullable)


def _text(name: str, comment: str = "", *, nullable: bool = True) -> Column:
    return Column(name, ColumnType.TEXT, comment, nullable)


def _integer(name: str, comment: str = "", *, nullable: bool = True) -> Column:
    return Column(name, ColumnType.INTEGER, comment, nullable)


def _bigint(name: str, comment: str = "") -> Column:
    return Column(name, ColumnType.BIGINT, comment)


def _double(name: str, comment: str = "", *, nullable: bool = True) -> Column:
    return Column(name, ColumnType.DOUBLE, comment, nullable)


def _time(name: str, comment: str = "") -> Column:
    return Column(name, ColumnType.DATETIME, comment)


def _date(name: str, comment: str = "") -> Column:
    return Column(name, ColumnType.DATE, comment, nullable=True)


_DELETED = Column(
    "deleted_at",
    ColumnType.DATETIME,
    "when it was deleted from the archive; null: it is there",
    nullable=True,
)
_VERSION = _integer("schema_version", "of the program that wrote the row", nullable=False)
_TENANT = _code("tenant")
_STUDY, _SERIES, _INSTANCE = map(_uid, ("study_instance_uid", "series_instance_uid", "sop_instance_uid"))
_EVENT = _code("event_id", "names this event, the same whenever its row is made again")
_NODE = _code("node", "the host that wrote the row")

STATE_META = Table(
    "dicom_state_meta",
    key=("tenant", "study_instance_uid", "series_instance_uid"),
    sequence="revision",
    columns=(
        _TENANT,
        _STUDY,
        _SERIES,
        _bigint("revision", "of the series in the archive; it grows with every change"),
        _text("patient_id"),
        _text("issuer_of_patient_id"),
        _text("patient_name", "all groups: Yamada^Tarou=..."),
        _date("patient_birth_date"),
        _text("patient_sex"),
        _date("study_date"),
        _text("study_time", "HHMMSS.ffffff"),
        _text("study_id"),
        _text("study_description"),
        _text("accession_number"),
        _text("referring_physician_name"),
        _text("modality"),
        _integer("series_number"),
        _date("series_date"),
        _text("series_time", "HHMMSS.ffffff"),
        _text("series_description"),
        _text("body_part_examined"),
        _text("protocol_name"),
        _text("institution_name"),
        _text("station_name"),
        _text("manufacturer"),
        _text("manufacturer_model_name"),
        _text("sop_class_uids", "backslashes between"),
        _text("transfer_syntax_uids", "backslashes between"),
        _integer("number_of_instances", nullable=False),
        _bigint("size_bytes", "of its files"),
        _time("first_received_at"),
        _time("last_received_at"),
        _time("updated_at", "when this row was made"),
        _VERSION,
        _DELETED,
    ),
)

IMAGE_META = Table(
    "dicom_image_meta",
    key=("tenant", "study_instance_uid", "series_instance_uid", "sop_instance_uid"),
    sequence="received_at",
    columns=(
        _TENANT,
        _STUDY,
        _SERIES,
        _INSTANCE,
        _time("received_at"),
        _uid("sop_class_uid"),
        _uid("transfer_syntax_uid"),
        _text("modality"),
        _date("study_date"),
        _text("patient_id"),
        _integer("instance_number"),
        _integer("rows_count", "Rows"),
        _integer("columns_count", "Columns"),
        _integer("number_of_frames"),
        _double("pixel_spacing_row", "mm between the centres of rows"),
        _double("pixel_spacing_column", "mm between the centres of columns"),
        _double("slice_thickness", "mm"),
        _double("slice_location", "mm"),
        _double("image_position_x", "mm"),
        _double("image_position_y", "mm"),
        _double("image_position_z", "mm"),
        _text("image_orientation_patient", "six numbers, backslashes between"),
        _integer("samples_per_pixel"),
        _text("photometric_interpretation"),
        _integer("bits_allocated"),
        _integer("bits_stored"),
        _integer("high_bit"),
        _integer("pixel_representation"),
        _double("window_center", "the first"),
        _double("window_width", "the first"),
        _bigint("size_bytes", "of the file"),
        _code("digest", "xxh3-128:<hex>"),
        _text("path", "relative to the store's root", nullable=False),
        _code("source", "dimse, stow or import"),
        _text("calling_ae_title"),
        Column("header", ColumnType.JSON, "the whole header, DICOM JSON Model (PS3.18 F)", nullable=True),
        _VERSION,
        _DELETED,
    ),
)

RECEIVE_LOG = Table(
    "dicom_receive_log",
    key=("received_at", "event_id"),
    partition_by="received_at",
    columns=(
        _time("received_at"),
        _EVENT,
        _TENANT,
        _STUDY,
        _SERIES,
        _INSTANCE,
        _uid("sop_class_uid"),
        _uid("transfer_syntax_uid"),
        _text("modality"),
        _bigint("size_bytes"),
        _code("source", "dimse, stow or import"),
        _text("calling_ae_title"),
        _text("called_ae_title"),
        _text("source_address"),
        _code("trace_id", "the association, request or import that brought it"),
        _code("batch_id"),
        _NODE,
        Column("indexed_at", ColumnType.DATETIME, nullable=True),
        _VERSION,
    ),
)

TRANSCODE_LOG = Table(
    "dicom_transcode_log",
    key=("happened_at", "event_id"),
    partition_by="happened_at",
    columns=(
        _time("happened_at", "when the attempt ended"),
        _EVENT,
        _TENANT,
        _STUDY,
        _SERIES,
        _INSTANCE,
        _uid("sop_class_uid"),
        _text("manufacturer"),
        _uid("source_transfer_syntax_uid"),
        _uid("target_transfer_syntax_uid"),
        _text("codec"),
        _code("outcome", "as the transcode stage names it; a success is rendered"),
        _text("reason", "why it failed or was not needed"),
        _integer("attempt", nullable=False),
        _double("seconds", nullable=False),
        _bigint("bytes_in"),
        _bigint("bytes_out", "0 without a success"),
        _NODE,
        _VERSION,
    ),
)

ACCESS_LOG = Table(
    "wado_access_log",
    key=("happened_at", "event_id"),
    partition_by="happened_at",
    columns=(
        _time("happened_at", "when the request came"),
        _EVENT,
        _TENANT,
        _text("user_name", "empty when nobody had to log in", nullable=False),
        _text("address", "the client's", nullable=False),
        _code("method"),
        _code(
            "resource", "study, series, instance, frames, metadata, bulkdata, rendered, search, store, ..."
        ),
        _STUDY,
        _SERIES,
        _INSTANCE,
        _text("query", "the query string"),
        _integer("status", nullable=False),
        _bigint("bytes_sent"),
        _double("milliseconds", "until the last byte was handed over", nullable=False),
        _text("user_agent"),
        _code("request_id"),
        _NODE,
        _VERSION,
    ),
)

TABLES: tuple[Table, ...] = (STATE_META, IMAGE_META, RECEIVE_LOG, TRANSCODE_LOG, ACCESS_LOG)


def table_named(name: str) -> Table:
    """Raises KeyError."""
    return {table.name: table for table in TABLES}[name]


def format_datetime(moment: datetime) -> str:
    """A DATETIME of a row, from a time that knows its zone."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
