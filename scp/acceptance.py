"""The answer to an A-ASSOCIATE-RQ: accepted, with which contexts, or rejected. PS3.8 9.3.2 to 9.3.4."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from dicomhub.configuration.receiving import ScpSettings
from scp.permission import Permission, permit_anybody
from scp.upper_layer.answer import Rejection, encode_acceptance
from scp.upper_layer.negotiation import (
    APPLICATION_CONTEXT,
    PROTOCOL_VERSION_BIT,
    ContextNegotiator,
    NegotiatedContext,
)
from scp.upper_layer.request import AssociateRequest, decode_request

Permit = Callable[[AssociateRequest], Permission | Rejection]
_AE_TITLES = slice(10, 42)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """contexts are the accepted ones, by their ID; pdu is the A-ASSOCIATE-AC."""

    request: AssociateRequest
    contexts: Mapping[int, NegotiatedContext]
    permission: Permission
    pdu: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    request: AssociateRequest
    rejection: Rejection


class Acceptor:
    """Made once, in the parent, for all children of one generation of settings."""

    def __init__(self, settings: ScpSettings) -> None:
        self._max_pdu_bytes = settings.max_pdu_bytes
        self._negotiator = ContextNegotiator(accept_unknown_sop_classes=settings.accept_unknown_sop_classes)

    def judge(self, pdu: bytes, permit: Permit = permit_anybody) -> Acceptance | Refused:
        """Judge a request; permit is asked where the request itself is fine. Raises RequestMalformed."""
        request = decode_request(pdu)
        rejection = _rejection(request)
        if rejection is not None:
            return Refused(request, rejection)
        permission = permit(request)
        if isinstance(permission, Rejection):
            return Refused(request, permission)
        contexts = permission.restrict(self._negotiator.negotiate(request.contexts))
        answer = encode_acceptance(
            request, contexts, max_pdu_bytes=self._max_pdu_bytes, ae_titles=pdu[_AE_TITLES]
        )
        accepted = {context.context_id: context for context in contexts if context.is_accepted}
        return Acceptance(request, MappingProxyType(accepted), permission, answer)


def _rejection(request: AssociateRequest) -> Rejection | None:
    if not request.protocol_version & PROTOCOL_VERSION_BIT:
        return Rejection.PROTOCOL_VERSION_NOT_SUPPORTED
    if request.application_context != APPLICATION_CONTEXT:
        return Rejection.APPLICATION_CONTEXT_NOT_SUPPORTED
    if not request.calling_ae_title:
        return Rejection.CALLING_AE_TITLE_NOT_RECOGNIZED
    if not request.called_ae_title:
        return Rejection.CALLED_AE_TITLE_NOT_RECOGNIZED
    return None
