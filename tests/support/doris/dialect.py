"""Doris's SELECT as DuckDB understands it: sqlglot, and what sqlglot does not know."""

import sqlglot
from sqlglot import exp


def in_duckdb(sql: str) -> str:
    # Below a node that it has replaced, transform does not look; hence one pass after the other.
    tree = sqlglot.parse_one(sql, read="doris").transform(_with_escape).transform(_translated)
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


def _string_agg(node: exp.GroupConcat) -> exp.Expression:
    """group_concat(DISTINCT value, separator ORDER BY ...), which sqlglot takes for a tuple of two values."""
    order = node.this
    value, separator = order.this.expressions
    distinct = exp.Distinct(expressions=[value])
    return exp.GroupConcat(this=exp.Order(this=distinct, expressions=order.expressions), separator=separator)
