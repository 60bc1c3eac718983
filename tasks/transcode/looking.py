"""Look at an instance, at its header alone: is there anything to do?"""

from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import UTC, datetime

from dicomhub.standard.element import DataSetMalformed
from dicomhub.standard.part10 import Part10Malformed
from dicomhub.standard.transfer_syntax import TransferSyntaxUnknown
from dicomhub.storage.filesystem import FilesystemStore
from tasks.transcode.candidate import Attempt, Candidate, Earlier, FileState, Report, Status
from tasks.transcode.freshness import file_state, fresh_rendition
from tasks.transcode.orders import Outcome
from tasks.transcode.pixel_description import PixelDescriptionMissing, read_pixel_description
from tasks.transcode.plan import Action, plan

_UNREADABLE = (DataSetMalformed, Part10Malformed, PixelDescriptionMissing, TransferSyntaxUnknown)


def look(store: FilesystemStore, candidate: Candidate, *, decodable: AbstractSet[str]) -> Report:
    """Its plan, and whether that is done: Status.DUE when a rendition has to be made. Raises OSError."""
    path = store.absolute(candidate.path)
    try:
        file = file_state(path)
        earlier = _earlier(candidate, file)
        if earlier is not None and earlier.is_given_up:
            return Report(candidate=candidate, status=Status.KNOWN, file=file)
        source = read_pixel_description(path)
    except FileNotFoundError:
        return Report(candidate=candidate, status=Status.CHANGED, reason="there is no such file")
    except _UNREADABLE as error:
        return _hopeless(
            Report(candidate=candidate, status=Status.DUE, file=file), Outcome.CORRUPT, str(error)
        )
    planned = plan(source, candidate.settings, decodable=decodable)
    report = Report(
        candidate=candidate,
        status=Status.DUE,
        reason=planned.reason,
        file=file,
        source=source,
        plan=planned,
        tried=() if earlier is None else earlier.tried,
        attempts_before=0 if earlier is None else earlier.attempts,
    )
    if planned.action is Action.KEEP:
        return replace(report, status=Status.KEPT)
    if planned.action is Action.CANNOT:
        return _hopeless(report, Outcome.UNSUPPORTED, planned.reason)
    if fresh_rendition(store, candidate.path, planned.target) is not None:
        return replace(report, status=Status.FRESH)
    return report


def _earlier(candidate: Candidate, file: FileState) -> Earlier | None:
    """None also for what was tried of another file, or with other settings."""
    earlier = candidate.earlier
    if earlier is None or (earlier.file, earlier.settings_key) != (file, candidate.settings.key):
        return None
    return earlier


def _hopeless(report: Report, outcome: Outcome, reason: str) -> Report:
    """No decoder needs to be asked."""
    attempt = Attempt(number=1, at=datetime.now(UTC), codec="", outcome=outcome, reason=reason)
    return replace(report, status=Status.GIVEN_UP, reason=reason, attempts=(attempt,))
