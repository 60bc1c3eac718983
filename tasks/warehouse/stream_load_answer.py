"""What an answer of Stream Load means. Pure; the HTTP is in stream_load.py.

Doris says little by status codes: a refused load is a 200 with a JSON object. A `Fail` is sure that nothing
went in only where the rows are at fault. Else the label tells the next time: a load whose commit got lost
between the servers is told Fail, and is there.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from tasks.warehouse.port import LoadOutcome, LoadStatus

DETAIL_CHARACTERS = 300

_FINISHED = frozenset({"FINISHED", "VISIBLE", "COMMITTED"})
_BAD_ROWS = (
    "too many filtered rows",
    "data_quality_error",
    "encountered unqualified data",
    "parse json data",
)
_NEEDS_A_PERSON = (
    "access denied",
    "no valid basic authorization",
    "unauthorized",
    "unknown database",
    "unknown table",
    "table not found",
    "database not found",
    "unknown column",
    "100-continue",
)
# Doris quotes the value that it could not read, by several names; values are patients' data.
_QUOTED_VALUE = re.compile(r"src line|src value|input str|actual value|string:|value:", re.IGNORECASE)
_TOO_MANY_VERSIONS = re.compile(r"-235\b|-238\b|too[ _]many[ _]versions?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class BackEndAnswer:
    """outcome, and where Doris keeps the reasons when rows are bad."""

    outcome: LoadOutcome
    error_url: str | None = None


def one_line(text: str) -> str:
    """The first line, short; Doris adds the stack of its server below it."""
    lines = text.strip().splitlines() or [""]
    return lines[0].strip()[:DETAIL_CHARACTERS]


def read_frontend_refusal(status: int, body: bytes) -> LoadOutcome:
    """A front end answered without sending the client on: nothing has begun."""
    answer = _json_object(body)
    message = one_line(" ".join(str(answer.get(name) or "") for name in ("msg", "Message", "data")))
    if status in {401, 403} or answer.get("code") in {401, 403} or _is_for_a_person(message):
        return LoadOutcome(LoadStatus.MISCONFIGURED, message or f"the front end answers {status}")
    if status == 404:
        return LoadOutcome(LoadStatus.MISCONFIGURED, "the front end has no Stream Load at this address (404)")
    return LoadOutcome(LoadStatus.BUSY, message or f"the front end answers {status}, and not where to load")


def read_backend_answer(status: int, body: bytes) -> BackEndAnswer:
    """What a back end said to a load that may have begun."""
    answer = _json_object(body)
    load_status = answer.get("Status")
    message = one_line(str(answer.get("Message") or answer.get("msg") or ""))
    if load_status == "Success":
        return BackEndAnswer(LoadOutcome(LoadStatus.LOADED))
    if load_status == "Publish Timeout":
        return BackEndAnswer(LoadOutcome(LoadStatus.LOADED, "committed; readers see it a little later"))
    if load_status == "Label Already Exists":
        return BackEndAnswer(_existing(str(answer.get("ExistingJobStatus") or "of unknown state")))
    if load_status == "Fail" or "msg" in answer:
        return _failed(message, answer.get("ErrorURL"))
    if status in {401, 403}:
        return BackEndAnswer(LoadOutcome(LoadStatus.MISCONFIGURED, f"the back end answers {status}"))
    return BackEndAnswer(LoadOutcome(LoadStatus.UNKNOWN, f"the back end answers {status}, and not in JSON"))


def reason_of(error_log: str) -> str:
    """The first reason in Doris's log of bad rows, without what it quotes of the row."""
    return one_line(_QUOTED_VALUE.split(error_log.strip(), maxsplit=1)[0]).strip(" .,;:[")


def _existing(job_status: str) -> LoadOutcome:
    if job_status in _FINISHED:
        return LoadOutcome(LoadStatus.ALREADY_THERE)
    return LoadOutcome(LoadStatus.UNKNOWN, f"a load under this label is {job_status}")


def _failed(message: str, error_url: Any) -> BackEndAnswer:
    if _TOO_MANY_VERSIONS.search(message):
        return BackEndAnswer(LoadOutcome(LoadStatus.BUSY, message))
    if isinstance(error_url, str) or any(words in message.lower() for words in _BAD_ROWS):
        url = error_url if isinstance(error_url, str) else None
        return BackEndAnswer(LoadOutcome(LoadStatus.REJECTED, reason_of(message)), url)
    if _is_for_a_person(message):
        return BackEndAnswer(LoadOutcome(LoadStatus.MISCONFIGURED, message))
    return BackEndAnswer(LoadOutcome(LoadStatus.BUSY, message or "the load failed without a reason"))


def _is_for_a_person(message: str) -> bool:
    return any(words in message.lower() for words in _NEEDS_A_PERSON)


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
