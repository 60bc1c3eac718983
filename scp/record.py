"""What is told of one association: on the scoreboard while it lasts, in one log line at its end."""

import secrets
import time
from enum import StrEnum

from dicomhub.log import logger
from dicomhub.standard.status import Status
from scp.acceptance import Acceptance
from scp.dimse import CommandField, Response
from scp.scoreboard import ChildState, ScoreboardSlot
from scp.upper_layer.request import AssociateRequest

_BEAT_SECONDS = 0.5


class Outcome(StrEnum):
    RELEASED = "released"
    REJECTED = "rejected"
    ABORTED_BY_PEER = "aborted by peer"
    LOST = "lost"  # the connection ended without release or abort
    NOT_REQUESTED = "not requested"  # likewise, before any A-ASSOCIATE-RQ
    TIMED_OUT = "timed out"
    PROTOCOL_ERROR = "protocol error"
    STOPPED = "stopped"  # the supervisor wanted this child to end
    FAILED = "failed"  # a fault of ours


class AssociationRecord:
    def __init__(self, slot: ScoreboardSlot, *, peer: str) -> None:
        self.trace_id = secrets.token_hex(8)
        self.peer = peer
        self._slot = slot
        self._outcome: Outcome | None = None
        self._reason = ""
        self._started_at = self._ended_at = time.monotonic()
        self._beat_at = 0.0
        self._fields: dict[str, object] = {}
        self._instances = 0
        self._refused = 0
        self._bytes_received = 0
        slot.begin_association(peer=peer)

    def requested(self, request: AssociateRequest) -> None:
        self._fields = {
            "calling_ae_title": request.calling_ae_title,
            "called_ae_title": request.called_ae_title,
            "implementation": request.implementation_version_name,
            "contexts_proposed": len(request.contexts),
        }
        self._slot.name_association(
            called_ae_title=request.called_ae_title, calling_ae_title=request.calling_ae_title
        )

    def accepted(self, acceptance: Acceptance, *, tenant: str) -> None:
        self._fields |= {"tenant": tenant, "contexts_accepted": len(acceptance.contexts)}

    def received(self, length: int) -> None:
        self._bytes_received += length

    def answered(self, response: Response) -> None:
        if response.status is not Status.SUCCESS:
            self._refused += 1
        elif response.command.command_field == CommandField.C_STORE_RQ:
            self._instances += 1

    def ended(self, outcome: Outcome, reason: str = "") -> None:
        """Say how it ended. What comes first is why; what it leads to is not told."""
        if self._outcome is None:
            self._outcome = outcome
            self._reason = reason
            self._ended_at = time.monotonic()

    def beat(self, state: ChildState) -> None:
        now = time.monotonic()
        if now - self._beat_at >= _BEAT_SECONDS:
            self._beat_at = now
            self._slot.count(instances=self._instances, bytes_received=self._bytes_received)
            self._slot.set_state(state)

    def log(self) -> None:
        reason = {"reason": self._reason} if self._reason else {}
        logger().info(
            "association",
            outcome=str(self._outcome or Outcome.FAILED),
            **reason,
            **self._fields,
            instances=self._instances,
            refused=self._refused,
            bytes=self._bytes_received,
            seconds=round(self._ended_at - self._started_at, 3),
        )
