"""Doris' way to write what dialects write differently. PyMySQL binds the parameters."""

from collections.abc import Mapping
from typing import Any, Final

from tasks.warehouse.header_match import HeaderMatch, MatchKind, like_pattern
from tasks.warehouse.queries import Condition


class DorisDialect:
    pieces: Mapping[str, str] = {
        "p95_milliseconds": "percentile(milliseconds, 0.95)",
        "modalities": r"group_concat(DISTINCT modality, '\\' ORDER BY modality)",
        "header_text": "CAST(header AS STRING)",
    }

    def placeholder(self, name: str) -> str:
        return f"%({name})s"

    def header_condition(self, match: HeaderMatch, prefix: str) -> Condition:
        """Only the first tag's own column is read of the VARIANT; what is below it is JSON."""
        bound: dict[str, Any] = {f"{prefix}tag": match.path[0]}
        found = f"header[${prefix}tag]['Value']"
        below = "".join(f'[*]."{tag}".Value' for tag in match.path[1:])
        if below or match.kind is MatchKind.NAME:
            bound[f"{prefix}below"] = f"${below}[*]" + (".*" if match.kind is MatchKind.NAME else "")
            found = f"json_extract(CAST({found} AS JSON), ${prefix}below)"
        element = "DOUBLE" if match.kind is MatchKind.NUMBER else "STRING"
        condition = _condition(match, prefix, bound)
        return f"array_count(value -> {condition}, CAST({found} AS ARRAY<{element}>)) > 0", bound


DORIS: Final = DorisDialect()


def _condition(match: HeaderMatch, prefix: str, bound: dict[str, Any]) -> str:
    if match.kind is MatchKind.RANGE:
        bound[f"{prefix}earliest"], bound[f"{prefix}latest"] = map(str, match.values)
        return f"value >= ${prefix}earliest AND (${prefix}latest = '' OR value <= ${prefix}latest)"
    conditions = []
    for number, value in enumerate(match.values):
        name = f"{prefix}{number}"
        match match.kind:
            case MatchKind.NUMBER:
                bound[name], condition = float(value), f"value = ${name}"
            case MatchKind.EQUAL:
                bound[name], condition = str(value), f"value = ${name}"
            case MatchKind.WILDCARD:
                bound[name], condition = like_pattern(str(value)), f"value LIKE ${name}"
            case MatchKind.NAME:
                bound[name], condition = like_pattern(str(value).lower()), f"lower(value) LIKE ${name}"
        conditions.append(condition)
    return " OR ".join(conditions)
