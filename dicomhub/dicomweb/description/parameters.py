"""The parameters that resources have in common, and those of a search as the search knows them."""

from typing import Any

from dicomhub.archive.columns import (
    MODALITIES_IN_STUDY,
    PATIENT_COLUMNS,
    SERIES_COLUMNS,
    SOP_CLASSES_IN_STUDY,
    STUDY_COLUMNS,
    Column,
)
from dicomhub.dicomweb.description.operation import Parameter

_FLAG: dict[str, Any] = {"type": "string", "enum": ["true", "false"]}
_NUMBER: dict[str, Any] = {"type": "integer", "minimum": 0, "maximum": 999_999_999}

ACCEPT = Parameter(
    "Accept", "header", "Media types that are acceptable, with weights and parameters. PS3.18 8.7."
)
ACCEPT_PARAMETER = Parameter(
    "accept", "query", "The same, before the header, for clients that cannot set one. PS3.18 8.3.3.1."
)
NEGOTIATION = (ACCEPT, ACCEPT_PARAMETER)
CHARSET = (
    Parameter("Accept-Charset", "header", "UTF-8 is what there is. PS3.18 8.8."),
    Parameter("charset", "query", "The same, before the header. PS3.18 8.3.3.2."),
)
CONDITIONS = (
    Parameter("If-None-Match", "header", "304 where the client has this ETag. RFC 9110 13.1.2."),
    Parameter("If-Modified-Since", "header", "304 where it is as it was then. RFC 9110 13.1.3."),
    Parameter("If-Match", "header", "412 where it has another ETag. RFC 9110 13.1.1."),
    Parameter("If-Unmodified-Since", "header", "412 where it has changed since. RFC 9110 13.1.4."),
)
RANGES = (
    Parameter("Range", "header", "A part of the bytes, of what is sent as it is stored. RFC 9110 14.2."),
    Parameter("If-Range", "header", "Only while it has this ETag, else all of it. RFC 9110 13.1.5."),
)

_KEY_COLUMNS: dict[str, tuple[Column, ...]] = {
    "studies": (*PATIENT_COLUMNS, *STUDY_COLUMNS, MODALITIES_IN_STUDY, SOP_CLASSES_IN_STUDY),
    "series": (*PATIENT_COLUMNS, *STUDY_COLUMNS, *SERIES_COLUMNS, MODALITIES_IN_STUDY),
}
_REQUEST_KEYS = (
    "RequestAttributesSequence.ScheduledProcedureStepID",
    "RequestAttributesSequence.RequestedProcedureID",
)
_INSTANCE_KEYS = (("SOPInstanceUID", "UI"), ("SOPClassUID", "UI"), ("InstanceNumber", "IS"))


def search_keys(level: str) -> tuple[tuple[str, str], ...]:
    """Keyword and VR of the keys that the database matches at this level, and of an instance's own."""
    columns = _KEY_COLUMNS["studies" if level == "studies" else "series"]
    keys = tuple(dict.fromkeys((column.keyword, column.vr) for column in columns if column.vr != "SQ"))
    own = _INSTANCE_KEYS if level == "instances" else ()
    requests = () if level == "studies" else tuple((name, "SH") for name in _REQUEST_KEYS)
    return (*own, *keys, *requests)


def search_parameters(level: str) -> tuple[Parameter, ...]:
    keys = (
        Parameter(keyword, "query", f"Matches {keyword} ({vr}). PS3.4 C.2.2.2.")
        for keyword, vr in search_keys(level)
    )
    return (
        Parameter("limit", "query", "How many results at most.", _NUMBER),
        Parameter("offset", "query", "How many results to leave out.", _NUMBER),
        Parameter(
            "includefield", "query", "Further attributes to return: keywords or tags with commas, or all."
        ),
        Parameter("fuzzymatching", "query", "Whether person names are matched fuzzily.", _FLAG),
        Parameter(
            "emptyvaluematching", "query", 'Whether "" finds what has no value. PS3.4 C.2.2.2.7.', _FLAG
        ),
        Parameter("multiplevaluematching", "query", "Whether all of a key's values have to match.", _FLAG),
        *keys,
    )
