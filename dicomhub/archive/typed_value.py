"""From a header's values to a column's value, and back.

A column holds what can be matched and sorted: a date as a date, a text cut to the column's length. Wherever
it cannot give back what the header said, the text as it was received is kept beside it ("verbatim").
"""

from dataclasses import dataclass
from datetime import date, time
from typing import Any, Final

from dicomhub.archive.columns import Column
from dicomhub.standard.value import PersonName, parse_date, parse_time

TEXT_MAX_LENGTH: Final = 255
NAME_MAX_LENGTH: Final = 1024
FOLDED_MAX_LENGTH: Final = 512
VERBATIM_MAX_LENGTH: Final = 8192
_LENGTHS: Final = {"UI": 64, "PN": NAME_MAX_LENGTH}
_INTEGER_LIMIT: Final = 2**31

DataSetModel = dict[str, Any]
"""A data set, or a part of one, in the DICOM JSON Model. PS3.18 F."""


@dataclass(frozen=True, slots=True)
class ColumnValue:
    """verbatim is the text as received, or None when value says it all."""

    value: Any
    verbatim: str | None = None


def clean_text(text: str) -> str:
    """Leave out what PostgreSQL cannot store: NUL, and halves of surrogate pairs."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8").strip()


def clean_json(value: Any) -> Any:
    """The same for every text in a JSON value."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list | tuple):
        return [clean_json(item) for item in value]
    if isinstance(value, dict):
        return {clean_text(key): clean_json(item) for key, item in value.items()}
    return value


def texts(header: DataSetModel, tag: str) -> list[str]:
    """The values of an element as texts; none when it is absent, empty or no text at all."""
    element = header.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    if not isinstance(values, list):
        return []
    found = [clean_text(_text(value)) for value in values]
    return found if any(found) else []


def _text(value: Any) -> str:
    if isinstance(value, dict):
        groups = (value.get(group) or "" for group in ("Alphabetic", "Ideographic", "Phonetic"))
        return "=".join(map(str, groups)).rstrip("=")
    return "" if value is None else str(value)


def column_value(column: Column, header: DataSetModel) -> ColumnValue:
    """What the header says of this attribute, in the type of its column."""
    if column.vr == "SQ":
        element = header.get(column.tag)
        items = element.get("Value") if isinstance(element, dict) else None
        return ColumnValue(clean_json(items) if isinstance(items, list) else [])
    values = texts(header, column.tag)
    if column.is_list:
        return ColumnValue(list_text(values))
    text = "\\".join(values)
    value = _typed(column.vr, text)
    return ColumnValue(value, None if _written(value) == text else text[:VERBATIM_MAX_LENGTH])


def list_text(values: list[str]) -> str:
    r"""Values as a list column holds them: \CT\SR\, or nothing."""
    return "\\" + "\\".join(values) + "\\" if values else ""


def list_values(text: str) -> list[str]:
    return text[1:-1].split("\\") if text else []


def _typed(vr: str, text: str) -> str | date | time | int | None:
    match vr:
        case "DA":
            return parse_date(text)
        case "TM":
            return parse_time(text)
        case "IS":
            return _integer(text)
        case _:
            return text[: _LENGTHS.get(vr, TEXT_MAX_LENGTH)]


def _integer(text: str) -> int | None:
    try:
        number = int(text)
    except ValueError:
        return None
    return number if -_INTEGER_LIMIT <= number < _INTEGER_LIMIT else None


def _written(value: str | date | time | int | None) -> str:
    """A column's value as DICOM writes it. PS3.5 6.2."""
    match value:
        case None:
            return ""
        case date():
            return value.isoformat().replace("-", "")
        case time():
            return value.isoformat().replace(":", "")
        case _:
            return str(value)


def element(column: Column, value: Any, verbatim: str | None) -> dict[str, Any]:
    """The element of the DICOM JSON Model that a column stands for. PS3.18 F.2.2."""
    if column.vr == "SQ":
        values: list[Any] = value
    elif column.is_list:
        values = list_values(value)
    elif verbatim is not None:
        values = verbatim.split("\\")
    elif isinstance(value, int):
        values = [value]
    else:
        values = _written(value).split("\\")
    if column.vr == "PN":
        values = [_name(text) if text else None for text in values]
    if values in ([], [""], [None]):
        return {"vr": column.vr}
    return {"vr": column.vr, "Value": [None if item == "" else item for item in values]}


def _name(text: str) -> dict[str, str]:
    name = PersonName.parse(text)
    groups = {"Alphabetic": name.alphabetic, "Ideographic": name.ideographic, "Phonetic": name.phonetic}
    return {group: value for group, value in groups.items() if value}
