"""What the demo shows when it is done."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table

from dicomhub.embedded.demo.samples import NotSendable, Sample
from dicomhub.embedded.demo.storing import Answer
from dicomhub.standard.transfer_syntax import transfer_syntax


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an instance that was answered 0000.

    found_seconds: from its answer until a search had it; None: never. retrieve_seconds: None: it was not
    retrieved, or not as it was sent.
    """

    sample: Sample
    store_seconds: float
    found_seconds: float | None
    retrieve_seconds: float | None

    @property
    def is_whole(self) -> bool:
        return self.found_seconds is not None and self.retrieve_seconds is not None


def show(
    console: Console,
    outcomes: Sequence[Outcome],
    *,
    refused: Sequence[Answer],
    not_sendable: Sequence[NotSendable],
    replaced: int,
) -> None:
    console.print(_table(outcomes))
    if replaced:
        console.print(
            f"{replaced} more were answered 0000, then replaced by a file of the same SOP Instance UID"
        )
    _list(console, "Refused", ((answer.sample.path.name, answer.reason) for answer in refused))
    _list(console, "Not to be sent", ((file.path.name, file.reason) for file in not_sendable))
    _list(
        console,
        "LOST: answered 0000, and not found and retrieved as sent",
        ((outcome.sample.path.name, _what_failed(outcome)) for outcome in outcomes if not outcome.is_whole),
    )


def _table(outcomes: Sequence[Outcome]) -> Table:
    table = Table(
        title="Stored by C-STORE, found by QIDO-RS, retrieved by WADO-RS",
        title_justify="left",
        box=box.SIMPLE_HEAD,
    )
    table.add_column("transfer syntax")
    for name in ("stored", "MB", "ms\neach", "found", "after\ns", "retrieved", "ms\neach"):
        table.add_column(name, justify="right", no_wrap=True)
    syntaxes = sorted({outcome.sample.meta.transfer_syntax_uid for outcome in outcomes})
    for uid in syntaxes:
        rows = [outcome for outcome in outcomes if outcome.sample.meta.transfer_syntax_uid == uid]
        table.add_row(transfer_syntax(uid).name, *_figures(rows))
    table.add_section()
    table.add_row("All", *_figures(outcomes), style="bold")
    return table


def _figures(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    found = [outcome.found_seconds for outcome in outcomes if outcome.found_seconds is not None]
    retrieved = [outcome.retrieve_seconds for outcome in outcomes if outcome.retrieve_seconds is not None]
    size_bytes = sum(outcome.sample.path.stat().st_size for outcome in outcomes)
    return (
        str(len(outcomes)),
        f"{size_bytes / 1e6:.1f}",
        _milliseconds(outcome.store_seconds for outcome in outcomes),
        str(len(found)),
        f"{max(found):.1f}" if found else "",
        str(len(retrieved)),
        _milliseconds(retrieved),
    )


def _milliseconds(seconds: Iterable[float]) -> str:
    values = list(seconds)
    return f"{statistics.median(values) * 1000:.1f}" if values else ""


def _what_failed(outcome: Outcome) -> str:
    return "not found" if outcome.found_seconds is None else "not retrieved as it was sent"


def _list(console: Console, title: str, rows: Iterable[tuple[str, str]]) -> None:
    """A line a reason, and the files that it holds for."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in rows:
        by_reason.setdefault(reason, []).append(name)
    if by_reason:
        console.print(f"[bold]{title}: {sum(map(len, by_reason.values()))}[/bold]")
    for reason, names in sorted(by_reason.items()):
        console.print(f"  {reason}: {', '.join(names)}", markup=False, highlight=False, soft_wrap=True)
