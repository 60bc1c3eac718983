"""The answer to an A-ASSOCIATE-RQ: accepted, with which contexts, or rejected. PS3.8 9.3.2 to 9.3.4."""

import hashlib
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Generic, TypeVar

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
# A device asks for the same with every association. Longer requests than this are not worth their memory.
_REMEMBERED, _REMEMBERED_BYTES = 16, 32 * 1024
_V = TypeVar("_V")


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


@dataclass(frozen=True, slots=True)
class _Offer:
    """What is accepted of a request: contexts by their ID, and the A-ASSOCIATE-AC that says so."""

    contexts: Mapping[int, NegotiatedContext]
    pdu: bytes


class _Remembered(Generic[_V]):
    """The last few values, by what they were made of."""

    def __init__(self) -> None:
        self._values: dict[Hashable, _V] = {}

    def get(self, key: Hashable | None, make: Callable[[], _V]) -> _V:
        """That of the key, made if need be. None: it is made, and not kept."""
        if key is None:
            return make()
        value = self._values.pop(key, None) or make()
        self._values[key] = value
        if len(self._values) > _REMEMBERED:
            del self._values[next(iter(self._values))]
        return value


class Acceptor:
    """Made once, in the parent, for all children of one generation of settings.

    A child remembers what it has made of the last few requests. What it may depend on besides the request,
    who may store what, is asked anew each time.
    """

    def __init__(self, settings: ScpSettings) -> None:
        self._max_pdu_bytes = settings.max_pdu_bytes
        self._negotiator = ContextNegotiator(accept_unknown_sop_classes=settings.accept_unknown_sop_classes)
        self._requests: _Remembered[AssociateRequest] = _Remembered()
        self._offers: _Remembered[_Offer] = _Remembered()

    def judge(self, pdu: bytes, permit: Permit = permit_anybody) -> Acceptance | Refused:
        """Judge a request; permit is asked where the request itself is fine. Raises RequestMalformed."""
        key = _key(pdu)
        request = self._requests.get(key, lambda: decode_request(pdu))
        rejection = _rejection(request)
        if rejection is not None:
            return Refused(request, rejection)
        permission = permit(request)
        if isinstance(permission, Rejection):
            return Refused(request, permission)
        offer = self._offers.get(
            key and (key, permission.sop_class_uids), lambda: self._offer(pdu, request, permission)
        )
        return Acceptance(request, offer.contexts, permission, offer.pdu)

    def _offer(self, pdu: bytes, request: AssociateRequest, permission: Permission) -> _Offer:
        contexts = permission.restrict(self._negotiator.negotiate(request.contexts))
        answer = encode_acceptance(
            request, contexts, max_pdu_bytes=self._max_pdu_bytes, ae_titles=pdu[_AE_TITLES]
        )
        accepted = {context.context_id: context for context in contexts if context.is_accepted}
        return _Offer(MappingProxyType(accepted), answer)


def _key(pdu: bytes) -> bytes | None:
    """What a request is remembered by, if at all: a digest, for it may hold a passcode. PS3.7 D.3.3.7."""
    return hashlib.blake2b(pdu, digest_size=16).digest() if len(pdu) <= _REMEMBERED_BYTES else None


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
