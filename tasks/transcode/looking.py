"""Look at an instance, at its header alone: is there anything to do?"""

from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import UTC, datetime

from dicomhub.standard.element import DataSetMalformed
from dicomhub.standard.part10 import Part10Malformed
from dicomhub.standard.transfer_syntax import TransferSyntaxUnknown
from dicomhub.storage.filesystem import FilesystemStore
from tasks.transcode.candidate import Attempt, Candidate, FileState, Report, Status
from tasks.transcode.freshness import file_state, fresh_rendition
from tasks.transcode.orders import Outcome
from tasks.transcode.pixel_description import PixelDescriptionMissing, read_pixel_description
from tasks.transcode.plan import Action, plan

_UNREADABLE = (DataSetMalformed, Part10Malformed, PixelDescriptionMissing, TransferSyntaxUnknown)


def look(store: FilesystemStore, candidate: Candidate, *, decodable: AbstractSet[str]) -> Report:
    """Its plan, and whether that is done: Status.DUE when a rendition has to be made. Raises OSError."""
    path = store.absolute(candidate.path)
    try:
        report = _as_it_was_left(candidate, file_state(path))
        if report.status is Status.KNOWN:
            return report
        source = read_pixel_description(path)
    except FileNotFoundError:
        return Report(candidate=candidate, status=Status.CHANGED, reason="there is no such file")
    except _UNREADABLE as error:
        return _hopeless(report, Outcome.CORRUPT, str(error))
    planned = plan(source, candidate.settings, decodable=decodable)
    report = replace(report, source=source, plan=planned, reason=planned.reason)
    if planned.action is Action.CANNOT:
        return _hopeless(report, Outcome.UNSUPPORTED, planned.reason)
    if planned.action is Action.KEEP:
        return replace(report, status=Status.KEPT)
    rendition = fresh_rendition(store, candidate.path, planned.target, near=planned.near, ratio=planned.ratio)
    return report if rendition is None else replace(report, status=Status.FRESH)


def _as_it_was_left(candidate: Candidate, file: FileState) -> Report:
    """What was tried of another file, or with other settings, does not count."""
    report = Report(candidate=candidate, status=Status.DUE, file=file)
    earlier = candidate.earlier
    if earlier is None or (earlier.file, earlier.settings_key) != (file, candidate.settings.key):
        return report
    status = Status.KNOWN if earlier.is_given_up else Status.DUE
    return replace(report, status=status, tried=earlier.tried, attempts_before=earlier.attempts)


def _hopeless(report: Report, outcome: Outcome, reason: str) -> Report:
    """No decoder needs to be asked."""
    number = report.attempts_before + 1
    attempt = Attempt(number=number, at=datetime.now(UTC), codec="", outcome=outcome, reason=reason)
    return replace(report, status=Status.GIVEN_UP, reason=reason, attempts=(attempt,))
