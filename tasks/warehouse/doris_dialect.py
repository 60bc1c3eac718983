"""Doris' way to write what dialects write differently. PyMySQL binds the parameters."""

from collections.abc import Mapping
from typing import Any, Final

from tasks.warehouse.folding import FOLDED_FROM, FOLDED_TO
from tasks.warehouse.header_match import RANGED, Condition, HeaderMatch, MatchKind, like_pattern


class DorisDialect:
    pieces: Mapping[str, str] = {
        "p95_milliseconds": "percentile(milliseconds, 0.95)",
        "modalities": r"group_concat(DISTINCT modality, '\\' ORDER BY modality)",
        "header_text": "CAST(header AS STRING)",
    }

    def placeholder(self, name: str) -> str:
        return f"%({name})s"

    def one_of(self, name: str) -> str:
        return f"IN ${name}"

    def header_condition(self, match: HeaderMatch, prefix: str) -> Condition:
        """Only the first tag's own column is read of the VARIANT; what is below it is JSON."""
        bound: dict[str, Any] = {f"{prefix}tag": match.path[0]}
        found = f"header[${prefix}tag]['Value']"
        below = "".join(f'[*]."{tag}".Value' for tag in match.path[1:])
        if below or match.kind is MatchKind.NAME:
            bound[f"{prefix}below"] = f"${below}[*]" + (".*" if match.kind is MatchKind.NAME else "")
            found = f"json_extract(CAST({found} AS JSON), ${prefix}below)"
        element = "DOUBLE" if match.kind is MatchKind.NUMBER else "STRING"
        if match.kind is MatchKind.EMPTY:
            is_value = "value IS NOT NULL AND value <> ''"
            return f"coalesce(array_count(value -> {is_value}, CAST({found} AS ARRAY<STRING>)), 0) = 0", bound
        condition = _condition(match, prefix, bound)
        return f"array_count(value -> {condition}, CAST({found} AS ARRAY<{element}>)) > 0", bound


DORIS: Final = DorisDialect()


def _condition(match: HeaderMatch, prefix: str, bound: dict[str, Any]) -> str:
    if match.kind is MatchKind.RANGE:
        bound[f"{prefix}earliest"], bound[f"{prefix}latest"] = match.bounds
        return f"{RANGED} >= ${prefix}earliest AND (${prefix}latest = '' OR {RANGED} <= ${prefix}latest)"
    folded = f"concat(lower(translate(value, ${prefix}from, ${prefix}to)), '^')"
    if match.kind is MatchKind.NAME:
        bound[f"{prefix}from"], bound[f"{prefix}to"] = FOLDED_FROM, FOLDED_TO
    conditions = []
    for number, value in enumerate(match.values):
        name = f"{prefix}{number}"
        match match.kind:
            case MatchKind.NUMBER:
                bound[name], condition = float(value), f"value = ${name}"
            case MatchKind.EQUAL:
                bound[name], condition = str(value), f"value = ${name}"
            case MatchKind.WILDCARD:
                bound[name], condition = like_pattern(str(value)), f"trim(value) LIKE ${name}"
            case MatchKind.NAME:
                bound[name], condition = like_pattern(str(value)), f"{folded} LIKE ${name}"
        conditions.append(condition)
    return " OR ".join(conditions)
