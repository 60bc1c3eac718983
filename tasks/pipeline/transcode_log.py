"""Attempts at transcoding, from the database to the warehouse's spool."""

import socket

import orjson

from dicomhub.transcoding import selectors, services
from dicomhub.transcoding.models import TranscodeAttempt
from tasks.warehouse.spool import Spool
from tasks.warehouse.tables import SCHEMA_VERSION, TRANSCODE_LOG, format_datetime

_AT_ONCE = 5000


def spool_attempts(spool: Spool) -> None:
    """Append what is not spooled yet. Ended half way, some are appended again, and are in the warehouse once.

    Raises SpoolFull, OSError and the database's errors.
    """
    while attempts := selectors.attempts_to_spool(_AT_ONCE):
        spool.append({TRANSCODE_LOG: [_row(attempt) for attempt in attempts]})
        services.attempts_spooled(attempts)


def _row(attempt: TranscodeAttempt) -> bytes:
    return orjson.dumps(
        {
            "happened_at": format_datetime(attempt.at),
            "event_id": f"attempt-{attempt.pk}",
            "tenant": attempt.tenant,
            "study_instance_uid": attempt.study_instance_uid,
            "series_instance_uid": attempt.series_instance_uid,
            "sop_instance_uid": attempt.sop_instance_uid,
            "sop_class_uid": attempt.sop_class_uid,
            "manufacturer": attempt.manufacturer or None,
            "source_transfer_syntax_uid": attempt.source_transfer_syntax_uid,
            "target_transfer_syntax_uid": attempt.target_transfer_syntax_uid,
            "codec": attempt.codec or None,
            "outcome": attempt.outcome,
            "reason": attempt.reason or None,
            "attempt": attempt.attempt,
            "seconds": attempt.seconds,
            "bytes_in": attempt.bytes_in,
            "bytes_out": attempt.bytes_out,
            "node": socket.gethostname(),
            "schema_version": SCHEMA_VERSION,
        }
    )
