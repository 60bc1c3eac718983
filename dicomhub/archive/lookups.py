"""The lookup that wildcard matching needs: * any characters, ? any one character. PS3.4 C.2.2.2.4.

Django's own pattern lookups ignore case on SQLite and differ in what they escape.
"""

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import CharField, Lookup, TextField
from django.db.models.sql.compiler import SQLCompiler

_LIKE = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_", "*": "%", "?": "_"})
_GLOB = str.maketrans({"[": "[[]"})


@CharField.register_lookup
@TextField.register_lookup
class Wildcard(Lookup[str]):
    """Case matters. The pattern matches the whole value."""

    lookup_name = "wildcard"

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        """PostgreSQL: LIKE, which an index with varchar_pattern_ops serves."""
        return self._compare("LIKE", self.rhs.translate(_LIKE), compiler, connection)

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any) -> tuple[str, Any]:
        """SQLite: GLOB, for its LIKE takes upper and lower case for the same."""
        return self._compare("GLOB", self.rhs.translate(_GLOB), compiler, connection)

    def _compare(
        self, operator: str, pattern: str, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, Any]:
        left, parameters = self.process_lhs(compiler, connection)
        return f"{left} {operator} %s", (*parameters, pattern)
