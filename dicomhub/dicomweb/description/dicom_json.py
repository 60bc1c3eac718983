"""JSON Schema of the DICOM JSON Model. PS3.18 F.2."""

from typing import Any

_NUMBER_OR_TEXT = {"type": ["number", "string", "null"]}
_TEXT = {"type": ["string", "null"]}
_NUMBER = {"type": ["number", "string", "null"]}  # NaN, infinity and integers beyond 2**53 go as strings
_PERSON_NAME = {
    "anyOf": [
        {"type": "null"},
        {
            "type": "object",
            "properties": {group: {"type": "string"} for group in ("Alphabetic", "Ideographic", "Phonetic")},
            "additionalProperties": False,
        },
    ]
}
_ITEM = {"$ref": "#/components/schemas/DicomDataSet"}
_KINDS: dict[str, dict[str, Any]] = {
    **dict.fromkeys(
        ("AE", "AS", "AT", "CS", "DA", "DT", "LO", "LT", "SH", "ST", "TM", "UC", "UI", "UR", "UT"), _TEXT
    ),
    **dict.fromkeys(("FL", "FD", "SL", "SS", "SV", "UL", "US", "UV"), _NUMBER),
    **dict.fromkeys(("DS", "IS"), _NUMBER_OR_TEXT),
    "PN": _PERSON_NAME,
    "SQ": {"anyOf": [_ITEM, {"type": "null"}]},
}
_BULK = ("OB", "OD", "OF", "OL", "OV", "OW", "UN")


def _of_vr(vr: str, value: dict[str, Any]) -> dict[str, Any]:
    return {
        "if": {"properties": {"vr": {"const": vr}}},
        "then": {"properties": {"Value": {"items": value}}},
    }


_ATTRIBUTE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "vr": {"enum": sorted((*_KINDS, *_BULK))},
        "Value": {"type": "array", "minItems": 1},
        "BulkDataURI": {"type": "string", "format": "uri-reference"},
        "InlineBinary": {"type": "string", "contentEncoding": "base64"},
    },
    "required": ["vr"],
    "additionalProperties": False,
    # At most one of the three (F.2.2).
    "not": {
        "anyOf": [
            {"required": ["Value", "BulkDataURI"]},
            {"required": ["Value", "InlineBinary"]},
            {"required": ["BulkDataURI", "InlineBinary"]},
        ]
    },
    "allOf": [_of_vr(vr, value) for vr, value in _KINDS.items()],
}

SCHEMAS: dict[str, dict[str, Any]] = {
    "DicomAttribute": _ATTRIBUTE,
    "DicomDataSet": {
        "type": "object",
        "description": "A data set in the DICOM JSON Model: attributes by their tags. PS3.18 F.2.",
        "patternProperties": {"^[0-9A-F]{8}$": {"$ref": "#/components/schemas/DicomAttribute"}},
        "additionalProperties": False,
    },
}
DATA_SET: dict[str, Any] = _ITEM
DATA_SETS: dict[str, Any] = {"type": "array", "items": DATA_SET}
