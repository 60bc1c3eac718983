"""Make an instance's rendition: tried with one decoder after the other, and put in its place."""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.storage.incoming import IncomingFile
from dicomhub.storage.renditions import place_rendition
from tasks.transcode.candidate import Attempt, Candidate, Report, Status
from tasks.transcode.failure import CodecBusy
from tasks.transcode.freshness import is_of, stamp_of
from tasks.transcode.looking import look
from tasks.transcode.making import DecoderFailed, make_rendition, provers_of
from tasks.transcode.orders import Codecs, CodecsOrder, Outcome, RenderOrder, SourceStamp
from tasks.transcode.pool import CodecPool


class StoreFull(Exception):
    """The store has no room for a rendition above its reserve: nothing is known of the instance."""


class Transcoder:
    """Threads share it. Past deadline, on time.monotonic(), nothing more is begun."""

    def __init__(
        self,
        store: FilesystemStore,
        pool: CodecPool,
        *,
        reserve_bytes: int,
        deadline: float | None = None,
    ) -> None:
        """Raises CodecUnavailable and CodecFailure."""
        self._store = store
        self._pool = pool
        self._codecs = pool.run(CodecsOrder(), Codecs)
        self._reserve_bytes = reserve_bytes
        self._deadline = deadline

    def look(self, candidate: Candidate) -> Report:
        """What is to be done. Raises OSError."""
        return look(self._store, candidate, decodable=self._codecs.decodable)

    def __call__(self, candidate: Candidate) -> Report:
        """Do it. Raises OSError, StoreFull and CodecUnavailable, which say nothing of the instance."""
        report = self.look(candidate)
        if report.status is not Status.DUE:
            return report
        assert report.source is not None
        decoders = self._codecs.decoders_of(report.source.transfer_syntax_uid)
        # Whoever fails is not asked again: the one that decodes, or the one that is to prove.
        while left := [decoder for decoder in decoders if decoder not in report.tried]:
            if self.is_time_up():
                return report
            try:
                report = self._try(report, left[0], provers_of(left[0], decoders, report.tried))
            except CodecBusy:
                return report
            if report.status is not Status.DUE:
                return report
        return replace(report, status=Status.GIVEN_UP)

    def is_time_up(self) -> bool:
        return self._deadline is not None and time.monotonic() > self._deadline

    def _try(self, report: Report, decoder: str, provers: Sequence[str]) -> Report:
        self._check_room(report)
        path = self._store.absolute(report.candidate.path)
        try:
            stamp = stamp_of(path)
        except FileNotFoundError:
            return replace(report, status=Status.CHANGED, reason="there is no such file")
        incoming = self._store.create_incoming()
        try:
            attempt = self._attempt(report, self._order(report, decoder, stamp, incoming), provers)
            report = replace(report, reason=attempt.reason, attempts=(*report.attempts, attempt))
            if attempt.outcome is Outcome.FAILED:
                self._check_room(report)  # another one has taken it meanwhile
            if attempt.outcome is not Outcome.RENDERED:
                return replace(report, tried={**report.tried, attempt.codec: attempt.outcome})
            is_placed = self._place(report, stamp, incoming)
        finally:
            incoming.discard()
        return replace(report, status=Status.RENDERED if is_placed else Status.CHANGED)

    def _check_room(self, report: Report) -> None:
        """For all of the instance's pixels, native. Raises StoreFull."""
        assert report.source is not None
        assert report.source.pixels is not None
        if self._store.free_bytes() < self._reserve_bytes + report.source.pixels.native_bytes:
            raise StoreFull("the store has no room for a rendition above its reserve")

    def _attempt(self, report: Report, order: RenderOrder, provers: Sequence[str]) -> Attempt:
        """Raises CodecUnavailable."""
        assert report.source is not None
        assert report.source.pixels is not None
        attempt = Attempt(
            number=report.attempts_before + len(report.attempts) + 1,
            at=datetime.now(UTC),
            codec=order.decoder,
            outcome=Outcome.RENDERED,
        )
        began_at = time.monotonic()
        try:
            made = make_rendition(
                self._pool,
                order,
                provers,
                decoded_bytes=report.source.pixels.native_bytes,
                patience_seconds=self._patience_seconds(),
            )
        except DecoderFailed as failed:
            return replace(
                attempt,
                codec=failed.decoder,
                outcome=failed.outcome,
                reason=failed.reason,
                seconds=time.monotonic() - began_at,
            )
        return replace(
            attempt,
            seconds=made.seconds,
            frames=made.frames,
            size_bytes=made.size_bytes,
            proved_with=made.proved_with,
        )

    def _order(self, report: Report, decoder: str, stamp: SourceStamp, incoming: IncomingFile) -> RenderOrder:
        assert report.plan is not None
        return RenderOrder(
            source_path=str(self._store.absolute(report.candidate.path)),
            output_path=str(incoming.path),
            target_transfer_syntax_uid=report.plan.target,
            decoder=decoder,
            stamp=stamp,
            near=report.plan.near,
            ratio=report.plan.ratio,
        )

    def _place(self, report: Report, stamp: SourceStamp, incoming: IncomingFile) -> bool:
        assert report.plan is not None
        path = self._store.absolute(report.candidate.path)
        return place_rendition(
            self._store,
            incoming,
            archived_path=report.candidate.path,
            transfer_syntax_uid=report.plan.target,
            is_current=lambda: is_of(stamp, path),
        )

    def _patience_seconds(self) -> float | None:
        """A process is waited for up to the deadline; then the instance is one of the next run's."""
        return None if self._deadline is None else max(self._deadline - time.monotonic(), 0.0)
