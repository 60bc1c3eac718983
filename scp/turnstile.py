"""The child that refuses: while every other is busy, it answers A-ASSOCIATE-RJ, local limit exceeded.

Without it a further association would wait in the kernel's queue until its peer gives up. It sleeps until the
supervisor declares the pool saturated.
"""

import select
import socket
import ssl
import time
from collections import deque

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
# How often those who wait are counted.
_LOOK_SECONDS = 0.01
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


class Turnstile:
    def __init__(self, context: ChildContext) -> None:
        self._context = context
        self._refusals: list[Refusal] = []
        self._refused = 0
        # How many connections had come by when, while there are some that nobody has accepted.
        self._arrivals: deque[tuple[float, int]] = deque()
        # Whose turn it is to be asked first.
        self._in_turn = deque(context.listeners)

    def run(self) -> None:
        self._context.slot.set_state(ChildState.ATTENDING)
        while not self._context.is_to_stop():
            self._context.slot.beat()
            ready = self._wait()
            self._context.to_turnstile.drain()
            self._advance(ready)
            self._consider()
        self._context.listeners.close()

    def _wait(self) -> set[int]:
        """Wait for whatever there is to wait for now; return the descriptors that are ready."""
        poll = select.poll()
        poll.register(self._context.stop, select.POLLIN)
        poll.register(self._context.to_turnstile, select.POLLIN)
        for refusal in self._refusals:
            poll.register(refusal, select.POLLIN)
        wait_seconds = TICK_SECONDS
        if self._arrivals:
            wait_seconds = _LOOK_SECONDS
        elif self._context.scoreboard.is_saturated:
            for listener in self._context.listeners:
                poll.register(listener, select.POLLIN)
        return {descriptor for descriptor, _ in poll.poll(wait_seconds * 1000)}

    def _advance(self, ready: set[int]) -> None:
        now = time.monotonic()
        for refusal in list(self._refusals):
            if (refusal.fileno() in ready and refusal.advance()) or now > refusal.deadline:
                self._refusals.remove(refusal)
                refusal.close()

    def _consider(self) -> None:
        """Refuse who has waited for too long; one less for every child that is about to accept."""
        scoreboard = self._context.scoreboard
        # In this order: one that is accepted in between is not taken for one that waits, too.
        gone = scoreboard.accepted() + self._refused
        waiting = sum(map(waiting_connections, self._context.listeners))
        if not waiting or not scoreboard.is_saturated:
            self._arrivals.clear()
            return
        now = time.monotonic()
        self._arrivals.append((now, gone + waiting))
        while len(self._arrivals) > 1 and self._arrivals[1][0] <= now - _LONGEST_GRACE_SECONDS:
            self._arrivals.popleft()
        late = self._came_by(now - GRACE_SECONDS) - gone
        if late <= 0:
            return
        idle, ending = scoreboard.count_idle(), scoreboard.count_about_to_be_idle()
        later = self._came_by(now - _LONGEST_GRACE_SECONDS) - gone
        number = max(late - idle - ending, later - idle)
        # The rest with the next turn: those who have come are read first.
        for _ in range(min(number, _MAX_REFUSALS)):
            if not self._refuse_one():
                break

    def _came_by(self, moment: float) -> int:
        return max((count for at, count in self._arrivals if at <= moment), default=0)

    def _refuse_one(self) -> bool:
        """Refuse who has waited longest, on either port in turn. False: nobody can be accepted."""
        self._in_turn.rotate()
        for listener in self._in_turn:
            connection = accept(listener)
            if connection is not None:
                self._refused += 1
                is_secure = listener is self._context.listeners.secure
                self._begin_refusal(*connection, tls=self._context.tls_context if is_secure else None)
                return True
        return False

    def _begin_refusal(self, accepted: socket.socket, peer: str, *, tls: ssl.SSLContext | None) -> None:
        try:
            refusal = Refusal(accepted, peer=peer, tally=self._context.slot.tally, tls=tls)
        except OSError:  # gone already
            accepted.close()
            return
        self._refusals.append(refusal)
        refusal.advance()
        if len(self._refusals) > _MAX_REFUSALS:
            self._refusals.pop(0).close()


def refuse(context: ChildContext) -> None:
    Turnstile(context).run()
