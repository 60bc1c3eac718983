"""Figures as CSV (RFC 4180, UTF-8): numbers and days as they are, for programs and spreadsheets."""

import csv
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

from dicomhub.console.figures.figure import Figure

# What spreadsheets take for a formula; descriptions and AE titles are whatever a sender chose.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_csv(file: TextIO, figure: Figure) -> None:
    """A line with the columns' names, and a line a row."""
    writer = csv.writer(file)
    writer.writerow(column.name for column in figure.columns)
    writer.writerows(map(_cell, row) for row in figure.rows)


def write_csv_files(folder: Path, figures: Iterable[Figure]) -> list[Path]:
    """Write <name>.csv of each figure: all of them whole, before the first gets its name. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".stats-", dir=folder) as making:
        made = []
        for figure in figures:
            made.append(Path(making, f"{figure.name}.csv"))
            with made[-1].open("w", encoding="utf-8", newline="") as file:
                write_csv(file, figure)
        return [path.replace(folder / path.name) for path in made]


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
