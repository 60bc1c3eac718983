"""The rows that requests have left in the access journal of a server."""

import orjson

from tasks.warehouse.access_journal import journal_directory
from tests.support.waiting import wait_until


def rows(server):
    """All rows of the journal; the files stay."""
    directory = journal_directory(server.home / "spool")
    text = b"".join(path.read_bytes() for path in sorted(directory.glob("*")))
    return [orjson.loads(line) for line in text.splitlines()]


def row_after(server, request_id):
    """Written once the answer has gone out, so perhaps a moment after the client has it."""
    return wait_until(
        lambda: next((row for row in rows(server) if row["request_id"] == request_id), None),
        what=f"{request_id} is noted",
    )
