"""The attributes of a header that have a column of their own: a search by one of them reads no header."""

from typing import Any, Final

from tasks.warehouse.header_match import Condition, HeaderMatch, MatchKind

# Those with one value: a column holds the first.
_COLUMNS: Final = {
    "0020000D": "study_instance_uid",
    "0020000E": "series_instance_uid",
    "00080018": "sop_instance_uid",
    "00080016": "sop_class_uid",
    "00180050": "slice_thickness",
    "00200013": "instance_number",
    "00201041": "slice_location",
    "00280002": "samples_per_pixel",
    "00280008": "number_of_frames",
    "00280010": "rows_count",
    "00280011": "columns_count",
    "00280100": "bits_allocated",
    "00280101": "bits_stored",
    "00280102": "high_bit",
    "00280103": "pixel_representation",
}


def column_condition(match: HeaderMatch, prefix: str) -> Condition | None:
    """None where there is no such column, or where it cannot tell."""
    column = _COLUMNS.get(match.path[0]) if len(match.path) == 1 else None
    if column is None or match.kind not in {MatchKind.EQUAL, MatchKind.NUMBER}:
        return None
    bound: dict[str, Any] = {f"{prefix}{number}": _plain(value) for number, value in enumerate(match.values)}
    return f"{column} IN ({', '.join(f'${name}' for name in bound)})", bound


def _plain(value: str | float) -> str | float:
    """A whole number as one: columns of integers are compared as they are."""
    is_whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
    return int(value) if is_whole else value
