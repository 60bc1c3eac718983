"""Results as Markdown tables, and where they go in the documents."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""

    def __str__(self) -> str:
        lines = [f"### {self.title}", "", _row(self.header), "|" + "---|" * len(self.header)]
        lines += [_row(row) for row in self.rows]
        if self.note:
            lines += ["", self.note]
        return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def number(value: float) -> str:
    """Two significant digits, or whole when it has more."""
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def ratio(value: float, reference: float) -> str:
    return f"{value / reference:.2f}" if reference else ""


def mean_ratio(ratios: Sequence[float]) -> str:
    """Their geometric mean and its standard error, of two at least."""
    exponents = [math.log(each) for each in ratios]
    return f"{math.exp(mean(exponents)):.2f} ± {stdev(exponents) / math.sqrt(len(exponents)):.2f}"


def write_section(document: Path, name: str, text: str) -> None:
    """Replace what an earlier run has written into a document for a section; all else is left as it is.

    A document that is not there is begun.
    """
    begin, end = f"<!-- measured: {name} -->\n", f"<!-- end of {name} -->\n"
    written = document.read_text("utf-8") if document.exists() else ""
    before, _, rest = written.partition(begin)
    _, _, after = rest.partition(end)
    document.write_text(f"{before}{begin}\n{text}\n{end}{after}", "utf-8")
