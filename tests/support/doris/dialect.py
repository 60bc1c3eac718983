"""Doris's SELECT as DuckDB understands it: sqlglot, and what sqlglot does not know."""

import sqlglot
from sqlglot import exp


def in_duckdb(sql: str) -> str:
    # Below a node that it has replaced, transform does not look; hence one pass after the other.
    tree = sqlglot.parse_one(sql, read="doris")
    for one_pass in (_with_escape, _json_extract, _json_field, _json_field, _translated):
        tree = tree.transform(one_pass)
    return tree.sql(dialect="duckdb")


def _with_escape(node: exp.Expression) -> exp.Expression:
    """In Doris a backslash escapes without being asked to."""
    if isinstance(node, exp.Like):
        return exp.Escape(this=node.copy(), expression=exp.Literal.string("\\"))
    return node


def _translated(node: exp.Expression) -> exp.Expression:
    match node:
        case exp.GroupConcat():
            return _string_agg(node)
        case exp.Anonymous() if node.name.lower() == "array_count":
            condition, array = node.expressions
            return exp.func("len", exp.func("list_filter", array, condition))
        case exp.Anonymous() if node.name.lower() == "percentile":
            return exp.func("quantile_cont", *node.expressions)
    return node


def _json_extract(node: exp.Expression) -> exp.Expression:
    """DuckDB leaves the quotes at texts that it casts from a list of JSON; Doris, it is said, does not."""
    if isinstance(node, exp.JSONExtract):
        path = exp.Literal.string(node.expression.sql(dialect="duckdb").strip("'"))
        return exp.Anonymous(this="json_extract_string", expressions=[node.this, path])
    return node


def _json_field(node: exp.Expression) -> exp.Expression:
    """DuckDB takes ['00080060'] for a position."""
    if isinstance(node, exp.Bracket) and node.expressions[0].is_string:
        path = exp.Literal.string(f'$."{node.expressions[0].name}"')
        return exp.Anonymous(this="json_extract", expressions=[node.this, path])
    return node


def _string_agg(node: exp.GroupConcat) -> exp.Expression:
    """group_concat(DISTINCT value, separator ORDER BY ...), which sqlglot takes for a tuple of two values."""
    order = node.this
    value, separator = order.this.expressions
    distinct = exp.Distinct(expressions=[value])
    return exp.GroupConcat(this=exp.Order(this=distinct, expressions=order.expressions), separator=separator)
