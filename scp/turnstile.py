"""The child that refuses: while every other is busy, it answers A-ASSOCIATE-RJ, local limit exceeded.

Without it a further association would wait in the kernel's queue until its peer gives up. It sleeps until the
supervisor declares the pool saturated.
"""

import select
import socket
import ssl
import time
from dataclasses import dataclass

from dicomhub.log import logger
from scp.child import ChildContext
from scp.connection import TICK_SECONDS
from scp.listener import accept, waiting_connections
from scp.meters import ASSOCIATIONS, REJECTIONS, reason_text
from scp.outcome import Outcome
from scp.record import request_fields
from scp.scoreboard import ChildState
from scp.tally import Tally
from scp.upper_layer.answer import Rejection, encode_abort, encode_rejection
from scp.upper_layer.events import AbortReason, AssociateRequested
from scp.upper_layer.parser import PduParser
from scp.upper_layer.request import RequestMalformed, decode_request

# A child that has just released an association is free a moment later: until then nobody is refused. On a
# busy machine the moment is longer, so whoever has just come to the end of an association is waited for.
GRACE_SECONDS = 0.05
# Not for longer, though: of many children one is always at the end.
_LONGEST_GRACE_SECONDS = 0.15
# How long a peer may take to send its request, and then to close. PS3.8 wants the request read first.
_PATIENCE_SECONDS = 2.0
# When there are more, who has had the longest time for it goes: peers that send nothing keep nobody waiting.
_MAX_REFUSALS = 64
_BUFFER_BYTES = 64 * 1024


class Refusal:
    """One connection on its way out."""

    def __init__(
        self, accepted: socket.socket, *, peer: str, tally: Tally, tls: ssl.SSLContext | None = None
    ) -> None:
        """Raises OSError when the peer is gone before TLS has begun."""
        accepted.setblocking(False)
        self._tally = tally
        # With TLS to read goes on with the handshake: a rejection needs one too.
        self._socket = (
            accepted
            if tls is None
            else tls.wrap_socket(accepted, server_side=True, do_handshake_on_connect=False)
        )
        self._peer = peer
        self._parser = PduParser(bytearray(_BUFFER_BYTES), max_pdu_bytes=_BUFFER_BYTES)
        self._is_answered = False
        self._begun_at = time.monotonic()
        self.deadline = self._begun_at + _PATIENCE_SECONDS

    def fileno(self) -> int:
        return self._socket.fileno()

    def advance(self) -> bool:
        """Read what has come and answer it. True when the peer has closed."""
        try:
            received = self._socket.recv_into(self._parser.space())
            self._parser.received(received)
            if received:
                self._answer()
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except OSError:
            return True
        return not received

    def _answer(self) -> None:
        event = self._parser.next_event()
        if event is None or self._is_answered:
            return
        self._is_answered = True
        if isinstance(event, AssociateRequested):
            self._reject(event.pdu)
        else:
            self._socket.send(encode_abort(AbortReason.SERVICE_USER))

    def _reject(self, request: bytes) -> None:
        self._socket.send(encode_rejection(Rejection.LOCAL_LIMIT_EXCEEDED))
        reason = reason_text(Rejection.LOCAL_LIMIT_EXCEEDED)
        self._tally.count(REJECTIONS, reason)
        self._tally.count(ASSOCIATIONS, str(Outcome.REJECTED))
        logger().warning(
            "association",
            outcome=str(Outcome.REJECTED),
            reason=reason,
            peer=self._peer,
            **_fields(request),
            seconds=round(time.monotonic() - self._begun_at, 3),
        )

    def close(self) -> None:
        self._socket.close()


def _fields(request: bytes) -> dict[str, object]:
    try:
        return request_fields(decode_request(request))
    except RequestMalformed:  # it is refused all the same
        return {}


@dataclass(slots=True)
class Knock:
    """So many connections were waiting, and nobody was free; children may have accepted some since."""

    waiting: int
    accepted_before: int
    judged_at: float  # when they are let in or refused
    last_at: float  # when at the latest, but for a child that is idle already


class Turnstile:
    def __init__(self, context: ChildContext) -> None:
        self._context = context
        self._refusals: list[Refusal] = []
        self._knock: Knock | None = None

    def run(self) -> None:
        self._context.slot.set_state(ChildState.ATTENDING)
        while not self._context.is_to_stop():
            self._context.slot.beat()
            ready = self._wait()
            self._context.to_turnstile.drain()
            self._advance(ready)
            self._consider(ready)
        self._context.listeners.close()

    def _wait(self) -> set[int]:
        """Wait for whatever there is to wait for now; return the descriptors that are ready."""
        poll = select.poll()
        poll.register(self._context.stop, select.POLLIN)
        poll.register(self._context.to_turnstile, select.POLLIN)
        for refusal in self._refusals:
            poll.register(refusal, select.POLLIN)
        wait_seconds = TICK_SECONDS
        if self._knock is not None:
            wait_seconds = max(0.0, self._knock.judged_at - time.monotonic())
        elif self._context.scoreboard.is_saturated:
            for listener in self._context.listeners:
                poll.register(listener, select.POLLIN)
        return {descriptor for descriptor, _ in poll.poll(wait_seconds * 1000 + 1)}

    def _advance(self, ready: set[int]) -> None:
        now = time.monotonic()
        for refusal in list(self._refusals):
            if (refusal.fileno() in ready and refusal.advance()) or now > refusal.deadline:
                self._refusals.remove(refusal)
                refusal.close()

    def _consider(self, ready: set[int]) -> None:
        """Refuse who has knocked, once the grace is over and if nobody has become free in it."""
        knock, scoreboard, now = self._knock, self._context.scoreboard, time.monotonic()
        if knock is None:
            if any(listener.fileno() in ready for listener in self._context.listeners):
                self._knock = self._new_knock(now)
            return
        if now < knock.judged_at:
            return
        # Those who have been accepted meanwhile were the first in the queue: are they all who had knocked?
        left = knock.waiting - (scoreboard.accepted() - knock.accepted_before)
        if not scoreboard.is_saturated or left <= 0:
            self._knock = None
        elif scoreboard.is_anyone_idle() or (now < knock.last_at and scoreboard.is_anyone_about_to_be_idle()):
            knock.judged_at = now + GRACE_SECONDS
        else:
            # The rest with the next turn: those who have come are read first.
            refused = self._refuse(min(left, _MAX_REFUSALS))
            knock.waiting -= refused
            if refused < _MAX_REFUSALS:
                self._knock = None

    def _new_knock(self, now: float) -> Knock:
        accepted_before = self._context.scoreboard.accepted()
        # One at least: where the kernel does not tell how many.
        waiting = sum(map(waiting_connections, self._context.listeners)) or 1
        return Knock(waiting, accepted_before, now + GRACE_SECONDS, now + _LONGEST_GRACE_SECONDS)

    def _refuse(self, number: int) -> int:
        """Refuse so many, those who have waited longest; return how many there were."""
        listeners, refused = self._context.listeners, 0
        for listener in listeners:
            tls = self._context.tls_context if listener is listeners.secure else None
            while refused < number and self._refuse_one(listener, tls):
                refused += 1
        return refused

    def _refuse_one(self, listener: socket.socket, tls: ssl.SSLContext | None) -> bool:
        connection = accept(listener)
        if connection is None:
            return False
        accepted, peer = connection
        try:
            refusal = Refusal(accepted, peer=peer, tally=self._context.slot.tally, tls=tls)
        except OSError:  # gone already
            accepted.close()
            return True
        self._refusals.append(refusal)
        refusal.advance()
        if len(self._refusals) > _MAX_REFUSALS:
            self._refusals.pop(0).close()
        return True


def refuse(context: ChildContext) -> None:
    Turnstile(context).run()
