"""python -m scp status: what the SCP of this home is doing, as a table."""

import sys
from datetime import UTC, datetime

from dicomhub.environment import EnvironmentInvalid, read_environment
from dicomhub.intake.receiver_status import (
    ChildStatus,
    ReceiverSilent,
    ReceiverStatus,
    ReceiverStatusFile,
)

EXIT_SILENT = 1
EXIT_ENVIRONMENT_INVALID = 2
_HEADERS = ("state", "peer", "calling", "called", "instances", "bytes", "since (UTC)")
_RIGHT = frozenset({4, 5})  # columns of numbers


def status() -> int:
    """Print the table; the exit status is 0, 1 when no SCP answers for itself, 2 for bad settings."""
    try:
        receiver = ReceiverStatusFile(read_environment().home).read()
    except EnvironmentInvalid as error:
        print(error, file=sys.stderr)  # noqa: T201 - for a person at a terminal
        return EXIT_ENVIRONMENT_INVALID
    except ReceiverSilent as silent:
        print(silent, file=sys.stderr)  # noqa: T201 - likewise
        return EXIT_SILENT
    print("\n".join(lines(receiver, now=datetime.now(UTC))))  # noqa: T201 - likewise
    return 0


def lines(receiver: ReceiverStatus, *, now: datetime) -> list[str]:
    tls = f", port {receiver.tls_port} with TLS" if receiver.tls_port is not None else ""
    idle = sum(child.state == "idle" for child in receiver.children)
    serving = receiver.associations
    others = sorted(
        (child for child in receiver.children if child.since is None), key=lambda child: child.state
    )
    rows = [_cells(child, now) for child in (*serving, *others)]
    return [
        f"{receiver.ae_title}, process {receiver.pid}, on {receiver.host} port {receiver.port}{tls}",
        f"associations: {len(serving)} of at most {receiver.max_children}; idle children: {idle}",
        "",
        *_table([_HEADERS, *rows]),
    ]


def _cells(child: ChildStatus, now: datetime) -> tuple[str, ...]:
    if child.since is None:
        return (child.state, "", "", "", "", "", "")
    seconds = max(0, round((now - child.since).total_seconds()))
    return (
        child.state,
        child.peer,
        child.calling_ae_title,
        child.called_ae_title,
        f"{child.instances:,}",
        f"{child.bytes_received:,}",
        f"{child.since:%Y-%m-%d %H:%M:%S} ({seconds} s)",
    )


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(_padded, range(len(widths)), row, widths)).rstrip() for row in rows]


def _padded(column: int, cell: str, width: int) -> str:
    return cell.rjust(width) if column in _RIGHT else cell.ljust(width)
