"""DuckDB's and Doris' ways to write what they write differently."""

from collections.abc import Mapping
from typing import Any, Final

from tasks.warehouse.header_match import RANGED, Condition, HeaderMatch, MatchKind, like_pattern
from tasks.warehouse.header_text import text_pattern


class DuckDbDialect:
    pieces: Mapping[str, str] = {
        "p95_milliseconds": "quantile_cont(milliseconds, 0.95)",
        "modalities": r"string_agg(DISTINCT modality, '\' ORDER BY modality)",
        "header_text": "header",
    }

    def placeholder(self, name: str) -> str:
        return f"${name}"

    def one_of(self, name: str) -> str:
        return f"IN (SELECT unnest(${name}))"

    def header_condition(self, match: HeaderMatch, prefix: str) -> Condition:
        """A header is parsed only where its text may fulfil it: parsing takes four times as long."""
        condition, bound = self._parsed_condition(match, prefix)
        if match.kind is MatchKind.EMPTY:  # is to be found where the text has nothing
            return condition, bound
        bound[f"{prefix}text"] = text_pattern(match)
        return f"CASE WHEN regexp_matches(header, ${prefix}text) THEN {condition} ELSE false END", bound

    def _parsed_condition(self, match: HeaderMatch, prefix: str) -> Condition:
        path = "$" + "".join(f'."{tag}".Value[*]' for tag in match.path)
        bound: dict[str, Any] = {f"{prefix}path": path}
        found = f"json_extract_string(header, ${prefix}path)"
        match match.kind:
            case MatchKind.EQUAL:
                bound[f"{prefix}values"] = list(match.values)
                return f"list_has_any({found}, ${prefix}values)", bound
            case MatchKind.NUMBER:
                bound[f"{prefix}values"] = [float(value) for value in match.values]
                return f"list_has_any(TRY_CAST({found} AS DOUBLE[]), ${prefix}values)", bound
            case MatchKind.RANGE:
                condition = _range(match, prefix, bound)
            case MatchKind.EMPTY:
                is_value = "value IS NOT NULL AND value <> '' AND value <> '{}'"
                return f"len(list_filter({found}, lambda value: {is_value})) = 0", bound
            case MatchKind.WILDCARD:
                condition = _like("trim(value)", match, prefix, bound)
            case MatchKind.NAME:
                bound[f"{prefix}path"] = path + ".*"
                condition = _like("(lower(strip_accents(value)) || '^')", match, prefix, bound)
        return f"len(list_filter({found}, lambda value: {condition})) > 0", bound


DUCKDB: Final = DuckDbDialect()


def _range(match: HeaderMatch, prefix: str, bound: dict[str, Any]) -> str:
    bound[f"{prefix}earliest"], bound[f"{prefix}latest"] = match.bounds
    return f"{RANGED} >= ${prefix}earliest AND (${prefix}latest = '' OR {RANGED} <= ${prefix}latest)"


def _like(value: str, match: HeaderMatch, prefix: str, bound: dict[str, Any]) -> str:
    conditions = []
    for number, pattern in enumerate(map(str, match.values)):
        name = f"{prefix}{number}"
        bound[name] = like_pattern(pattern)
        # Of kana it takes the voicing marks, too.
        wanted = f"strip_accents(${name})" if match.kind is MatchKind.NAME else f"${name}"
        conditions.append(rf"{value} LIKE {wanted} ESCAPE '\'")
    return " OR ".join(conditions)
