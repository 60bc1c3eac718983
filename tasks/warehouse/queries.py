"""The questions that a warehouse answers, by name: one definition each, with the SQL of each dialect from it.

In the texts $name is a parameter, and {name} a piece that dialects write differently. Parameters are bound,
never formatted in. Databases disagree on where a null is sorted, so the texts say it where there may be one.
Every query takes tenant: a name, or None for all of them. Those of what happened take since and until: naive
UTC datetimes, since included and until not.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from tasks.warehouse.header_columns import column_condition
from tasks.warehouse.header_match import Condition, HeaderMatch

_PARAMETER = re.compile(r"\$(\w+)")


class QueryName(StrEnum):
    ROWS = "rows"
    """table_name, row_count."""
    RECEIVED_BY_MODALITY = "received_by_modality"
    """day, modality, instances, size_bytes: what was received, in the order of the days."""
    RECEIVED_BY_SOURCE = "received_by_source"
    """day, source, calling_ae_title, instances, size_bytes."""
    STORES_BY_HOUR = "stores_by_hour"
    """hour (of the day, 0 to 23 UTC), instances, size_bytes."""
    LARGEST_STUDIES = "largest_studies"
    """tenant, study_instance_uid, study_date, study_description, modalities, series, instances, size_bytes;
    takes limit."""
    TRANSFER_SYNTAXES = "transfer_syntaxes"
    """transfer_syntax_uid, instances, size_bytes: of what is archived."""
    TRANSCODE_OUTCOMES = "transcode_outcomes"
    """outcome, reason, source_transfer_syntax_uid, target_transfer_syntax_uid, attempts, seconds, bytes_in,
    bytes_out."""
    READS_BY_USER = "reads_by_user"
    """user_name, status, requests, bytes_sent."""
    RETRIEVE_P95 = "retrieve_p95"
    """resource, requests, p95_milliseconds: of the requests that brought something."""
    GROWTH = "growth"
    """day, instances, size_bytes: of what is archived now, by the day it came."""
    INSTANCES_BY_HEADER = "instances_by_header"
    """study_instance_uid, series_instance_uid, sop_instance_uid, header (JSON text), by UID. Takes tenant (a
    name), study_instance_uid (or None), series_instance_uids (one or more, or None: any), matches
    (HeaderMatch, all of which hold), limit and offset."""
    COUNT_BY_HEADER = "count_by_header"
    """instances: how many the same question without limit and offset has."""
    SERIES_BY_HEADER = "series_by_header"
    """study_instance_uid, series_instance_uid, by UID: of the series that have such an instance."""
    COUNT_SERIES_BY_HEADER = "count_series_by_header"
    STUDIES_BY_HEADER = "studies_by_header"
    """study_instance_uid, by UID: of the studies that have such an instance."""
    COUNT_STUDIES_BY_HEADER = "count_studies_by_header"


class Dialect(Protocol):
    """What DuckDB and Doris write differently."""

    pieces: Mapping[str, str]

    def header_condition(self, match: HeaderMatch, prefix: str) -> Condition:
        """True where the header fulfils it; parameters have names that begin with prefix."""
        ...

    def placeholder(self, name: str) -> str: ...

    def one_of(self, name: str) -> str:
        """What is behind a column that has to be one of the values of a parameter."""
        ...


@dataclass(frozen=True, slots=True)
class Statement:
    sql: str
    parameters: dict[str, Any]


def statement(name: QueryName, dialect: Dialect, parameters: Mapping[str, Any]) -> Statement:
    """The SQL of a query in a dialect. Raises TypeError for parameters that are not those of the query."""
    bound = dict(parameters)
    text = _TEXTS[name]
    if "{by_header}" in text:
        conditions = [
            column_condition(match, f"match_{number}_") or dialect.header_condition(match, f"match_{number}_")
            for number, match in enumerate(bound.pop("matches", ()))
        ]
        if bound.get("series_instance_uids", ()) is None:
            del bound["series_instance_uids"]
        else:
            conditions.append((f"series_instance_uid {dialect.one_of('series_instance_uids')}", {}))
        text = text.replace("{by_header}", _BY_HEADER + "".join(f" AND {sql}" for sql, _ in conditions))
        for _, values in conditions:
            bound |= values
    for piece, sql in {**dialect.pieces, **_COMMON_PIECES}.items():
        text = text.replace("{" + piece + "}", sql)
    return _bound(text, bound, dialect.placeholder)


def _bound(text: str, parameters: dict[str, Any], placeholder: Callable[[str], str]) -> Statement:
    named = set(_PARAMETER.findall(text))
    if named != parameters.keys():
        raise TypeError(f"takes {', '.join(sorted(named))}, not {', '.join(sorted(parameters))}")
    sql = _PARAMETER.sub(lambda found: placeholder(found[1]), text)
    return Statement(sql, parameters)


_COMMON_PIECES = {
    "received": "{of_tenant} AND received_at >= $since AND received_at < $until",
    "happened": "{of_tenant} AND happened_at >= $since AND happened_at < $until",
    "archived": "{of_tenant} AND deleted_at IS NULL",
    "of_tenant": "($tenant IS NULL OR tenant = $tenant)",
}

_BY_HEADER = """FROM dicom_image_meta
        WHERE tenant = $tenant AND deleted_at IS NULL
            AND ($study_instance_uid IS NULL OR study_instance_uid = $study_instance_uid)"""

_TEXTS: dict[QueryName, str] = {
    QueryName.ROWS: """
        SELECT 'dicom_state_meta' AS table_name, count(*) AS row_count FROM dicom_state_meta WHERE {archived}
        UNION ALL SELECT 'dicom_image_meta', count(*) FROM dicom_image_meta WHERE {archived}
        UNION ALL SELECT 'dicom_receive_log', count(*) FROM dicom_receive_log WHERE {of_tenant}
        UNION ALL SELECT 'dicom_transcode_log', count(*) FROM dicom_transcode_log WHERE {of_tenant}
        UNION ALL SELECT 'wado_access_log', count(*) FROM wado_access_log WHERE {of_tenant}
        ORDER BY table_name""",
    QueryName.RECEIVED_BY_MODALITY: """
        SELECT CAST(received_at AS DATE) AS day, modality, count(*) AS instances,
            CAST(sum(size_bytes) AS BIGINT) AS size_bytes
        FROM dicom_receive_log WHERE {received}
        GROUP BY day, modality ORDER BY day, modality NULLS LAST""",
    QueryName.RECEIVED_BY_SOURCE: """
        SELECT CAST(received_at AS DATE) AS day, source, calling_ae_title, count(*) AS instances,
            CAST(sum(size_bytes) AS BIGINT) AS size_bytes
        FROM dicom_receive_log WHERE {received}
        GROUP BY day, source, calling_ae_title ORDER BY day, source, calling_ae_title NULLS LAST""",
    QueryName.STORES_BY_HOUR: """
        SELECT CAST(extract(hour FROM received_at) AS BIGINT) AS hour, count(*) AS instances,
            CAST(sum(size_bytes) AS BIGINT) AS size_bytes
        FROM dicom_receive_log WHERE {received}
        GROUP BY hour ORDER BY hour""",
    QueryName.LARGEST_STUDIES: """
        SELECT tenant, study_instance_uid, max(study_date) AS study_date,
            max(study_description) AS study_description, {modalities} AS modalities, count(*) AS series,
            CAST(sum(number_of_instances) AS BIGINT) AS instances,
            CAST(sum(size_bytes) AS BIGINT) AS size_bytes
        FROM dicom_state_meta WHERE {archived}
        GROUP BY tenant, study_instance_uid
        ORDER BY size_bytes DESC, tenant, study_instance_uid LIMIT $limit""",
    QueryName.TRANSFER_SYNTAXES: """
        SELECT transfer_syntax_uid, count(*) AS instances, CAST(sum(size_bytes) AS BIGINT) AS size_bytes
        FROM dicom_image_meta WHERE {archived}
        GROUP BY transfer_syntax_uid ORDER BY instances DESC, transfer_syntax_uid""",
    QueryName.TRANSCODE_OUTCOMES: """
        SELECT outcome, reason, source_transfer_syntax_uid, target_transfer_syntax_uid, count(*) AS attempts,
            sum(seconds) AS seconds, CAST(sum(bytes_in) AS BIGINT) AS bytes_in,
            CAST(sum(bytes_out) AS BIGINT) AS bytes_out
        FROM dicom_transcode_log WHERE {happened}
        GROUP BY outcome, reason, source_transfer_syntax_uid, target_transfer_syntax_uid
        ORDER BY attempts DESC, outcome, reason NULLS LAST, source_transfer_syntax_uid,
            target_transfer_syntax_uid""",
    QueryName.READS_BY_USER: """
        SELECT user_name, status, count(*) AS requests, CAST(sum(bytes_sent) AS BIGINT) AS bytes_sent
        FROM wado_access_log WHERE {happened}
        GROUP BY user_name, status ORDER BY requests DESC, user_name, status""",
    QueryName.RETRIEVE_P95: """
        SELECT resource, count(*) AS requests, {p95_milliseconds} AS p95_milliseconds
        FROM wado_access_log WHERE {happened} AND method = 'GET' AND status IN (200, 206)
        GROUP BY resource ORDER BY resource""",
    QueryName.GROWTH: """
        SELECT CAST(received_at AS DATE) AS day, count(*) AS instances,
            CAST(sum(size_bytes) AS BIGINT) AS size_bytes
        FROM dicom_image_meta WHERE {received} AND deleted_at IS NULL
        GROUP BY day ORDER BY day""",
    QueryName.INSTANCES_BY_HEADER: """
        SELECT study_instance_uid, series_instance_uid, sop_instance_uid, {header_text} AS header
        {by_header}
        ORDER BY study_instance_uid, series_instance_uid, sop_instance_uid
        LIMIT $limit OFFSET $offset""",
    QueryName.COUNT_BY_HEADER: "SELECT count(*) AS instances {by_header}",
    QueryName.SERIES_BY_HEADER: """
        SELECT DISTINCT study_instance_uid, series_instance_uid {by_header}
        ORDER BY study_instance_uid, series_instance_uid LIMIT $limit OFFSET $offset""",
    QueryName.COUNT_SERIES_BY_HEADER: """
        SELECT count(*) AS series
        FROM (SELECT DISTINCT study_instance_uid, series_instance_uid {by_header}) AS found""",
    QueryName.STUDIES_BY_HEADER: """
        SELECT DISTINCT study_instance_uid {by_header}
        ORDER BY study_instance_uid LIMIT $limit OFFSET $offset""",
    QueryName.COUNT_STUDIES_BY_HEADER: """
        SELECT count(*) AS studies FROM (SELECT DISTINCT study_instance_uid {by_header}) AS found""",
}
