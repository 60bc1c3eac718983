"""An archived instance that may need a rendition, what was tried at it, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from dicomhub.storage.layout import SeriesKey
from tasks.transcode.orders import Outcome
from tasks.transcode.pixel_description import SourceDescription
from tasks.transcode.plan import Plan
from tasks.transcode.settings import TranscodeSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class FileState:
    """What tells a replaced archived file."""

    size_bytes: int
    mtime_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """Tries that have failed, at this file and with these settings: tried says how each decoder has."""

    file: FileState
    settings_key: str
    tried: Mapping[str, Outcome]
    attempts: int
    is_given_up: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """path is relative to the store's root; SOP class and transfer syntax are of what was archived there."""

    key: SeriesKey
    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    path: str
    settings: TranscodeSettings
    earlier: Earlier | None = None


class Status(StrEnum):
    KEPT = "kept"  # viewers decode the original, or there are no pixels
    FRESH = "fresh"  # its rendition was there already
    RENDERED = "rendered"
    GIVEN_UP = "given up"  # no decoder is left
    KNOWN = "known"  # was given up before
    DUE = "due"  # not done, or not yet
    CHANGED = "changed"  # gone or replaced meanwhile; what replaced it comes in a batch of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try with one decoder; codec is "" when it came to none. number counts from 1, earlier runs too."""

    number: int
    at: datetime
    codec: str
    outcome: Outcome
    reason: str = ""
    seconds: float = 0.0
    frames: int = 0
    size_bytes: int = 0
    proved_with: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """file, source and plan as far as the instance could be looked at; tried counts earlier runs too."""

    candidate: Candidate
    status: Status
    reason: str = ""
    file: FileState | None = None
    source: SourceDescription | None = None
    plan: Plan | None = None
    attempts: tuple[Attempt, ...] = ()
    tried: Mapping[str, Outcome] = field(default_factory=dict)
    attempts_before: int = 0
