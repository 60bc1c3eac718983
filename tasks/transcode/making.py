"""Have a rendition made and proved, in two orders: so it is known which decoder has cost a process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tasks.transcode.failure import CodecFailure
from tasks.transcode.orders import Outcome, ProofOrder, Proved, Rendered, RenderOrder
from tasks.transcode.pool import CodecPool

_COST_A_PROCESS = frozenset((Outcome.TIMEOUT, Outcome.CRASHED, Outcome.OUT_OF_MEMORY))


class DecoderFailed(Exception):
    """There is no rendition, and this decoder is to blame: the order's own, or who was to prove it."""

    def __init__(self, decoder: str, outcome: Outcome, reason: str) -> None:
        super().__init__(f"{decoder}: {outcome}: {reason}")
        self.decoder = decoder
        self.outcome = outcome
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """proved_with is the second decoder, which gave the same; None where there was none."""

    size_bytes: int
    frames: int
    proved_with: str | None
    seconds: float


def provers_of(decoder: str, decoders: Sequence[str], tried: Mapping[str, Outcome]) -> tuple[str, ...]:
    """Who of the decoders may prove what `decoder` gives: none that has cost a process over the instance."""
    return tuple(other for other in decoders if other != decoder and tried.get(other) not in _COST_A_PROCESS)


def make_rendition(
    pool: CodecPool,
    order: RenderOrder,
    provers: Sequence[str],
    *,
    decoded_bytes: int,
    patience_seconds: float | None,
) -> Made:
    """A rendition that is proved by the first of provers that is made for such pixels, else by itself.

    What was begun is proved, however long that waits. Raises DecoderFailed and CodecUnavailable.
    """
    try:
        rendered = pool.run(order, Rendered, decoded_bytes=decoded_bytes, patience_seconds=patience_seconds)
    except CodecFailure as failure:
        raise DecoderFailed(order.decoder, failure.outcome, failure.reason) from failure
    proved_with, proved = _prove(pool, order, rendered, provers, decoded_bytes=decoded_bytes)
    return Made(
        size_bytes=rendered.size_bytes,
        frames=len(rendered.digests),
        proved_with=proved_with or None,
        seconds=rendered.seconds + proved.seconds,
    )


def _prove(
    pool: CodecPool, order: RenderOrder, rendered: Rendered, provers: Sequence[str], *, decoded_bytes: int
) -> tuple[str, Proved]:
    for prover in provers:
        try:
            proof = ProofOrder(rendered=order, digests=rendered.digests, prover=prover)
            return prover, pool.run(proof, Proved, decoded_bytes=decoded_bytes)
        except CodecFailure as failure:
            if failure.outcome is Outcome.UNSUPPORTED:
                continue
            if failure.outcome in _COST_A_PROCESS:
                reason = f"while it proved what {order.decoder} gave: {failure.reason}"
                raise DecoderFailed(prover, failure.outcome, reason) from failure
            raise DecoderFailed(order.decoder, failure.outcome, failure.reason) from failure
    try:
        by_itself = ProofOrder(rendered=order, digests=rendered.digests)
        return "", pool.run(by_itself, Proved, decoded_bytes=decoded_bytes)
    except CodecFailure as failure:
        raise DecoderFailed(order.decoder, failure.outcome, failure.reason) from failure
