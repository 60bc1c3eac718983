"""Rows that the warehouse refuses, kept with its reason until a person says what becomes of them.

dead/<table>/<name>.<rows>.ndjson   the rows
dead/<table>/<name>.json            why
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from tasks.warehouse.spool import SUFFIX, RowsFile, Spool, new_name, rows_files
from tasks.warehouse.tables import Table

_UNKNOWN_REASON = "its reason is not known any more"


class DeadLetterGone(Exception):
    """There is no such dead letter: it was retried or discarded before."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    name: str
    rows: RowsFile
    reason: str
    refused_at: datetime


@dataclass(frozen=True, slots=True)
class _Reason:
    reason: str
    refused_at: datetime


def _directory(spool: Spool, table: Table) -> Path:
    return spool.root / "dead" / table.name


def bury(spool: Spool, table: Table, label: str, lines: list[bytes], *, reason: str) -> None:
    """Keep rows that were refused under this label. Done twice, they are there once. Raises OSError."""
    directory = _directory(spool, table)
    why = _Reason(reason=reason, refused_at=datetime.now(UTC))
    spool.write(directory / f"{label}.json", msgspec.json.encode(why))
    spool.write(directory / f"{label}.{len(lines)}{SUFFIX}", b"\n".join([*lines, b""]))


def dead_letters(spool: Spool, table: Table) -> list[DeadLetter]:
    """The newest first."""
    letters = [_letter(file) for file in rows_files(_directory(spool, table))]
    return sorted(letters, key=lambda letter: letter.refused_at, reverse=True)


def retry(spool: Spool, table: Table, name: str) -> None:
    """Let the rows wait for the warehouse again. Raises DeadLetterGone."""
    _let_wait(spool, table, _find(spool, table, name))
    spool.sync(spool.waiting_directory(table))


def retry_all(spool: Spool, table: Table) -> int:
    """Let the rows of all of them wait again. Returns how many there were."""
    retried = 0
    for letter in dead_letters(spool, table):
        with suppress(DeadLetterGone):  # somebody else was faster
            _let_wait(spool, table, letter)
            retried += 1
    if retried:
        spool.sync(spool.waiting_directory(table))
    return retried


def _let_wait(spool: Spool, table: Table, letter: DeadLetter) -> None:
    # A name of its own: the label that it was refused under may be taken by now.
    name = f"{new_name()}.{letter.rows.number_of_rows}{SUFFIX}"
    try:
        letter.rows.path.rename(spool.waiting_directory(table) / name)
    except FileNotFoundError:
        raise DeadLetterGone(letter.name) from None
    _reason_path(letter.rows).unlink(missing_ok=True)


def discard(spool: Spool, table: Table, name: str) -> None:
    """Give the rows up. Raises DeadLetterGone."""
    letter = _find(spool, table, name)
    try:
        letter.rows.path.unlink()
    except FileNotFoundError:
        raise DeadLetterGone(name) from None
    _reason_path(letter.rows).unlink(missing_ok=True)


def _find(spool: Spool, table: Table, name: str) -> DeadLetter:
    for file in rows_files(_directory(spool, table)):
        if _name(file) == name:
            return _letter(file)
    raise DeadLetterGone(name)


def _letter(file: RowsFile) -> DeadLetter:
    try:
        why = msgspec.json.decode(_reason_path(file).read_bytes(), type=_Reason)
    except (OSError, msgspec.DecodeError):
        why = _Reason(reason=_UNKNOWN_REASON, refused_at=file.written_at)
    return DeadLetter(_name(file), file, why.reason, why.refused_at)


def _name(file: RowsFile) -> str:
    return file.path.name.removesuffix(SUFFIX).rpartition(".")[0]


def _reason_path(file: RowsFile) -> Path:
    return file.path.with_name(f"{_name(file)}.json")
