"""The PDUs that an acceptor sends. PS3.8 9.3.

A-ASSOCIATE-RJ, A-RELEASE-RP and A-ABORT and the user information of an A-ASSOCIATE-AC are pynetdicom's to
encode; the results of the presentation contexts, of which there may be 128, are packed here.
"""

import struct
from collections.abc import Iterator
from enum import Enum
from typing import Any

from pynetdicom.pdu import A_ABORT_RQ, A_ASSOCIATE_RJ, A_RELEASE_RP
from pynetdicom.pdu_items import (
    AsynchronousOperationsWindowSubItem,
    ImplementationClassUIDSubItem,
    ImplementationVersionNameSubItem,
    MaximumLengthSubItem,
    SCP_SCU_RoleSelectionSubItem,
    SOPClassExtendedNegotiationSubItem,
    UserIdentitySubItemAC,
    UserInformationItem,
)

from dicomhub.standard.sop_class import STORAGE_SOP_CLASSES
from dicomhub.standard.uid import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from scp.upper_layer.events import A_ASSOCIATE_AC, P_DATA_TF, AbortReason
from scp.upper_layer.negotiation import APPLICATION_CONTEXT, NegotiatedContext
from scp.upper_layer.request import AssociateRequest

_AC_HEADER = struct.Struct(">BxIH2x32s32x")
_CONTEXT = struct.Struct(">BxHBxBx")
_ITEM = struct.Struct(">BxH")
_P_DATA_HEADER = struct.Struct(">BxIIBB")
_PDV_OVERHEAD_BYTES = 6
_APPLICATION_CONTEXT_ITEM, _CONTEXT_ITEM, _TRANSFER_SYNTAX_ITEM = 0x10, 0x21, 0x40
# Level 2 (full), digital signatures preserved bit by bit, no coercion. PS3.4 B.3.1.
_STORAGE_APPLICATION_INFORMATION = b"\x02\x00\x03\x00\x00\x00"
# A user name, with or without a passcode; the other types want a server's token in return. PS3.7 D.3.3.7.
_ANSWERABLE_IDENTITY_TYPES = {1, 2}


class Rejection(Enum):
    """Result, source and reason of an A-ASSOCIATE-RJ. PS3.8 9.3.4."""

    APPLICATION_CONTEXT_NOT_SUPPORTED = (1, 1, 2)
    CALLING_AE_TITLE_NOT_RECOGNIZED = (1, 1, 3)
    CALLED_AE_TITLE_NOT_RECOGNIZED = (1, 1, 7)
    PROTOCOL_VERSION_NOT_SUPPORTED = (1, 2, 2)
    TEMPORARY_CONGESTION = (2, 3, 1)
    LOCAL_LIMIT_EXCEEDED = (2, 3, 2)


def encode_rejection(rejection: Rejection) -> bytes:
    pdu = A_ASSOCIATE_RJ()
    pdu.result, pdu.source, pdu.reason_diagnostic = rejection.value
    return pdu.encode()


def encode_release_answer() -> bytes:
    return A_RELEASE_RP().encode()


def encode_abort(reason: AbortReason) -> bytes:
    pdu = A_ABORT_RQ()
    pdu.source, pdu.reason_diagnostic = reason.value
    return pdu.encode()


def encode_acceptance(
    request: AssociateRequest,
    contexts: tuple[NegotiatedContext, ...],
    *,
    max_pdu_bytes: int,
    ae_titles: bytes,
) -> bytes:
    """Encode the A-ASSOCIATE-AC. ae_titles are the request's 32 bytes, which go back as they are."""
    items = b"".join(
        (
            _item(_APPLICATION_CONTEXT_ITEM, APPLICATION_CONTEXT),
            *map(_context, contexts),
            _user_information(request, contexts, max_pdu_bytes).encode(),
        )
    )
    return _AC_HEADER.pack(A_ASSOCIATE_AC, _AC_HEADER.size - 6 + len(items), 1, ae_titles) + items


def _item(item_type: int, uid: str) -> bytes:
    value = uid.encode("ascii")
    return _ITEM.pack(item_type, len(value)) + value


def _context(context: NegotiatedContext) -> bytes:
    # The transfer syntax of a context that is not accepted is not significant, yet has its item.
    transfer_syntax = _item(_TRANSFER_SYNTAX_ITEM, context.transfer_syntax)
    length = _CONTEXT.size - _ITEM.size + len(transfer_syntax)
    return _CONTEXT.pack(_CONTEXT_ITEM, length, context.context_id, context.result) + transfer_syntax


def _user_information(
    request: AssociateRequest, contexts: tuple[NegotiatedContext, ...], max_pdu_bytes: int
) -> Any:
    maximum_length = MaximumLengthSubItem()
    maximum_length.maximum_length_received = max_pdu_bytes
    class_uid = ImplementationClassUIDSubItem()
    class_uid.implementation_class_uid = IMPLEMENTATION_CLASS_UID
    version_name = ImplementationVersionNameSubItem()
    version_name.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    accepted = {context.abstract_syntax for context in contexts if context.is_accepted}
    information = UserInformationItem()
    information.user_data = [
        maximum_length,
        class_uid,
        *_operations_window(request),
        *_roles(request, accepted),
        version_name,
        *_extended(request, accepted),
        *_user_identity(request),
    ]
    return information


def _operations_window(request: AssociateRequest) -> list[Any]:
    """One operation at a time, whatever was proposed. PS3.7 D.3.3.3."""
    if not request.wants_asynchronous_operations:
        return []
    window = AsynchronousOperationsWindowSubItem()
    window.maximum_number_operations_invoked = 1
    window.maximum_number_operations_performed = 1
    return [window]


def _roles(request: AssociateRequest, accepted: set[str]) -> list[Any]:
    """The peer may be SCU, as it proposed, and never SCP: nothing is sent to it. PS3.7 D.3.3.4."""
    answers = []
    # One for each class, however often it was proposed: the item that holds the answers has its limit.
    for proposed in {role.sop_class_uid: role for role in request.roles}.values():
        if proposed.sop_class_uid in accepted:
            answer = SCP_SCU_RoleSelectionSubItem()
            answer.sop_class_uid = proposed.sop_class_uid
            answer.scu_role, answer.scp_role = int(proposed.is_scu), 0
            answers.append(answer)
    return answers


def _extended(request: AssociateRequest, accepted: set[str]) -> list[Any]:
    answers = []
    for sop_class_uid in dict.fromkeys(request.extended_sop_classes):  # once for each class, as above
        if sop_class_uid in accepted and sop_class_uid in STORAGE_SOP_CLASSES:
            answer = SOPClassExtendedNegotiationSubItem()
            answer.sop_class_uid = sop_class_uid
            answer.service_class_application_information = _STORAGE_APPLICATION_INFORMATION
            answers.append(answer)
    return answers


def _user_identity(request: AssociateRequest) -> list[Any]:
    if not request.wants_identity_response or request.user_identity_type not in _ANSWERABLE_IDENTITY_TYPES:
        return []
    answer = UserIdentitySubItemAC()
    answer.server_response = b""
    return [answer]


def command_fragments(command_set: bytes, *, peer_max_pdu_bytes: int) -> Iterator[tuple[int, bytes]]:
    """Cut a command set into message control headers and fragments that the peer can take. PS3.8 E."""
    size = len(command_set)
    if peer_max_pdu_bytes:
        # A limit that holds no fragment at all cannot be kept.
        size = max(1, min(size, peer_max_pdu_bytes - _PDV_OVERHEAD_BYTES))
    for start in range(0, len(command_set), size):
        yield 0x03 if start + size >= len(command_set) else 0x01, command_set[start : start + size]


def encode_command(context_id: int, command_set: bytes, *, peer_max_pdu_bytes: int) -> bytes:
    """Encode a command set as P-DATA-TF PDUs that the peer can take, one PDV each. PS3.8 9.3.5."""
    pdus = bytearray()
    for header, fragment in command_fragments(command_set, peer_max_pdu_bytes=peer_max_pdu_bytes):
        length = len(fragment) + _PDV_OVERHEAD_BYTES
        pdus += _P_DATA_HEADER.pack(P_DATA_TF, length, length - 4, context_id, header)
        pdus += fragment
    return bytes(pdus)
