"""DuckDB's and Doris' ways to write what they write differently."""

from collections.abc import Mapping
from typing import Any, Final

from tasks.warehouse.header_match import HeaderMatch, MatchKind, like_pattern
from tasks.warehouse.queries import Condition


class DuckDbDialect:
    pieces: Mapping[str, str] = {
        "p95_milliseconds": "quantile_cont(milliseconds, 0.95)",
        "modalities": r"string_agg(DISTINCT modality, '\' ORDER BY modality)",
        "header_text": "header",
    }

    def placeholder(self, name: str) -> str:
        return f"${name}"

    def header_condition(self, match: HeaderMatch, prefix: str) -> Condition:
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
            case MatchKind.WILDCARD:
                condition = _like("value", match, prefix, bound)
            case MatchKind.NAME:
                bound[f"{prefix}path"] = path + ".*"
                condition = _like("lower(value)", match, prefix, bound)
        return f"len(list_filter({found}, lambda value: {condition})) > 0", bound


DUCKDB: Final = DuckDbDialect()


def _range(match: HeaderMatch, prefix: str, bound: dict[str, Any]) -> str:
    earliest, latest = match.values
    bound[f"{prefix}earliest"], bound[f"{prefix}latest"] = str(earliest), str(latest)
    return f"value >= ${prefix}earliest AND (${prefix}latest = '' OR value <= ${prefix}latest)"


def _like(value: str, match: HeaderMatch, prefix: str, bound: dict[str, Any]) -> str:
    conditions = []
    for number, pattern in enumerate(map(str, match.values)):
        name = f"{prefix}{number}"
        bound[name] = like_pattern(pattern.lower() if match.kind is MatchKind.NAME else pattern)
        conditions.append(rf"{value} LIKE ${name} ESCAPE '\'")
    return " OR ".join(conditions)
