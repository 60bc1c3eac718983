"""Bring many instances to their end: all at once as the codec pool allows, recorded as they come."""

import time
from collections.abc import Iterable, Iterator
from itertools import takewhile

from dicomhub.transcoding import services
from tasks.transcode.candidate import Candidate, Report
from tasks.transcode.orders import Outcome
from tasks.transcode.pool import CodecPool
from tasks.transcode.transcoder import Transcoder

# What is lost of the log, at most, when the process is killed. Failures are written at once, so that no
# decoder that hangs is asked again.
_RECORD_SECONDS = 1.0
_RECORDED_AT_ONCE = 100


def run(
    transcoder: Transcoder, pool: CodecPool, candidates: Iterable[Candidate], *, batch: str = ""
) -> Iterator[Report]:
    """Yield the report of each candidate that was begun before the transcoder's time was up.

    Raises what Transcoder raises, with all that was done by then recorded.
    """
    in_time = takewhile(lambda _: not transcoder.is_time_up(), candidates)
    unrecorded: list[Report] = []
    recorded_at = time.monotonic()
    try:
        for _, report in pool.as_completed(in_time, transcoder):
            unrecorded.append(report)
            is_late = time.monotonic() - recorded_at > _RECORD_SECONDS
            if is_late or len(unrecorded) >= _RECORDED_AT_ONCE or _has_failed(report):
                services.record(unrecorded, batch=batch)
                unrecorded, recorded_at = [], time.monotonic()
            yield report
    finally:
        services.record(unrecorded, batch=batch)


def _has_failed(report: Report) -> bool:
    return any(attempt.outcome is not Outcome.RENDERED for attempt in report.attempts)
