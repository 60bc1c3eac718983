"""What the associations of one child share, and how each begins: who may come in, as whose tenant."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from dicomhub.configuration.receiving import ScpSettings
from dicomhub.intake.door import Intake
from dicomhub.intake.provenance import Provenance
from dicomhub.log import logger
from dicomhub.standard.sop_class import VERIFICATION
from scp.acceptance import Acceptance, Acceptor, Refused
from scp.admission import AdmissionCache
from scp.express.engine import Engine
from scp.permission import Permission
from scp.precedence import Precedence
from scp.record import AssociationRecord
from scp.scoreboard import ScoreboardSlot
from scp.stopping import StopRequest
from scp.storing import Services
from scp.upper_layer.answer import Rejection
from scp.upper_layer.request import AssociateRequest


@dataclass(frozen=True, slots=True)
class Admitted:
    """services is what messages are served by."""

    acceptance: Acceptance
    services: Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """buffer is the one that all of a child's associations are received in, one after the other.

    engine is the compiled half of the express lane, None where there is none.
    """

    settings: ScpSettings
    acceptor: Acceptor
    intake: Intake
    admissions: AdmissionCache
    slot: ScoreboardSlot
    stop: StopRequest
    precedence: Precedence
    buffer: bytearray
    stop_accepting: Callable[[], None]
    engine: Engine | None = None

    def admit(self, pdu: bytes, record: AssociationRecord) -> Admitted | Rejection:
        """Judge an A-ASSOCIATE-RQ. Raises RequestMalformed."""
        acceptance = self.acceptor.judge(pdu, lambda request: self._permit(request, record.peer))
        record.requested(acceptance.request)
        if isinstance(acceptance, Refused):
            return acceptance.rejection
        permission = acceptance.permission
        provenance = Provenance(
            source="dimse",
            calling_ae_title=acceptance.request.calling_ae_title,
            called_ae_title=acceptance.request.called_ae_title,
            source_address=record.peer,
            trace_id=record.trace_id,
        )
        if _stores(acceptance) and not self.intake.has_room():
            logger().error("disk_under_reserve")
            return Rejection.TEMPORARY_CONGESTION
        record.accepted(acceptance, tenant=permission.tenant.tenant)
        services = Services(self.intake, permission=permission, provenance=provenance, tally=self.slot.tally)
        return Admitted(acceptance, services)

    def _permit(self, request: AssociateRequest, peer: str) -> Permission | Rejection:
        try:
            rules = self.admissions.rules()
        except (msgspec.DecodeError, OSError) as error:
            # Without the snapshot nobody knows who may come in, nor whose images these are.
            logger().error("admission_snapshot_unreadable", error=str(error))
            return Rejection.TEMPORARY_CONGESTION
        return rules.judge(
            called_ae_title=request.called_ae_title, calling_ae_title=request.calling_ae_title, peer=peer
        )

    def cut(self) -> None:
        """End the open batch, so that what came in travels on without waiting for more."""
        self.intake.cut()

    def cut_if_due(self) -> None:
        self.intake.cut_if_due()


def _stores(acceptance: Acceptance) -> bool:
    """Whether it may bring instances: whoever only asks if we are there is told so on a full disk too."""
    return any(context.abstract_syntax != VERIFICATION for context in acceptance.contexts.values())
