"""The generated parts of a Markdown document: what stands between a pair of markers.

<!-- generated: name -->
...
<!-- end of name -->
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

_BLOCK = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end of \2 -->)", re.DOTALL)


class BlocksDiffer(Exception):
    """A document has not the blocks that there are tables for; says which."""


def renewed(document: str, tables: Mapping[str, Callable[[], str]]) -> str:
    """The document with each block made anew. Raises BlocksDiffer."""
    names = [match[2] for match in _BLOCK.finditer(document)]
    if sorted(names) != sorted(tables):
        raise BlocksDiffer(f"blocks {sorted(names)}, tables {sorted(tables)}")
    return _BLOCK.sub(lambda match: f"{match[1]}\n{tables[match[2]]()}\n\n{match[3]}", document)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(_cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
