"""What is told of one association: on the scoreboard while it lasts, in one log line at its end."""

import secrets
import time

from dicomhub.log import logger
from dicomhub.standard.status import Status
from scp.acceptance import Acceptance
from scp.dimse import CommandField, Response
from scp.meters import (
    ASSOCIATION_SECONDS,
    ASSOCIATIONS,
    EXPRESS_INSTANCES,
    RECEIVED_BYTES,
    REJECTIONS,
    RESPONSES,
    command_name,
    reason_text,
)
from scp.outcome import Outcome
from scp.scoreboard import AssociationState, ChildState, ChildStatus, ScoreboardSlot
from scp.upper_layer.answer import Rejection
from scp.upper_layer.request import AssociateRequest

_BEAT_SECONDS = 0.5


def request_fields(request: AssociateRequest) -> dict[str, object]:
    """What the log line has of an association's request."""
    return {
        "calling_ae_title": request.calling_ae_title,
        "called_ae_title": request.called_ae_title,
        "implementation": request.implementation_version_name,
        "contexts_proposed": len(request.contexts),
    }


def log_killed(last: ChildStatus) -> None:
    """Tell of an association whose child has died: the little that the scoreboard has, from its last beat."""
    logger().warning(
        "association",
        outcome=str(Outcome.KILLED),
        peer=last.peer,
        calling_ae_title=last.calling_ae_title,
        called_ae_title=last.called_ae_title,
        instances=last.instances,
        bytes=last.bytes_received,
        seconds=round(time.monotonic() - last.since, 3),
    )


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
        self._express_instances = 0
        self._refused = 0
        self._bytes_received = 0
        self._bytes_counted = 0
        slot.begin_association(peer=peer)

    def secured(self, tls_version: str) -> None:
        if tls_version:
            self._fields["tls"] = tls_version

    def requested(self, request: AssociateRequest) -> None:
        self._fields |= request_fields(request)
        self._slot.name_association(
            called_ae_title=request.called_ae_title, calling_ae_title=request.calling_ae_title
        )

    def accepted(self, acceptance: Acceptance, *, tenant: str) -> None:
        self._fields |= {"tenant": tenant, "contexts_accepted": len(acceptance.contexts)}
        self._slot.set_association_state(AssociationState.ESTABLISHED)

    def received(self, length: int) -> None:
        self._bytes_received += length  # counted for the metrics with the next beat

    def stored(self, instances: int) -> None:
        """Say how many instances the express lane has stored, and counted as answered, since then."""
        self._instances += instances
        self._express_instances += instances
        self._slot.tally.count(EXPRESS_INSTANCES, by=instances)

    @property
    def bytes_received(self) -> int:
        return self._bytes_received

    def answered(self, response: Response) -> None:
        """Count an answer that is about to be sent: a child that is killed now has counted what it said."""
        command = command_name(response.command.command_field)
        self._slot.tally.count(RESPONSES, command, f"{response.status:04X}")
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
            self._slot.set_association_state(AssociationState.ENDING)

    def rejected(self, rejection: Rejection) -> None:
        self._slot.tally.count(REJECTIONS, reason_text(rejection))
        self.ended(Outcome.REJECTED, reason_text(rejection))

    def beat(self, state: ChildState) -> None:
        """Show how it stands, unless that was done a moment ago."""
        if time.monotonic() - self._beat_at >= _BEAT_SECONDS:
            self.show(state)

    def show(self, state: ChildState) -> None:
        """Put on the scoreboard, and into the counters, how it stands."""
        self._beat_at = time.monotonic()
        self._count_bytes()
        self._slot.count(instances=self._instances, bytes_received=self._bytes_received)
        self._slot.set_state(state)

    def _count_bytes(self) -> None:
        self._slot.tally.count(RECEIVED_BYTES, by=self._bytes_received - self._bytes_counted)
        self._bytes_counted = self._bytes_received

    def log(self) -> None:
        """Tell of the association, in the log and in the counters, now that it is over."""
        outcome = self._outcome or Outcome.FAILED
        self._count_bytes()
        self._slot.tally.count(ASSOCIATIONS, str(outcome))
        self._slot.tally.observe(ASSOCIATION_SECONDS, self._ended_at - self._started_at)
        # From here on it is counted, also if this child is killed.
        self._slot.set_association_state(AssociationState.NONE)
        reason = {"reason": self._reason} if self._reason else {}
        logger().info(
            "association",
            outcome=str(outcome),
            **reason,
            **self._fields,
            instances=self._instances,
            express=self._express_instances,
            refused=self._refused,
            bytes=self._bytes_received,
            seconds=round(self._ended_at - self._started_at, 3),
        )
