"""An A-ASSOCIATE-RQ as a value. PS3.8 9.3.2, PS3.7 D.3.3.

The presentation contexts, of which there may be 128, are walked here, as pynetdicom's decoder takes 10 ms for
120 of them; the sub-items of the user information are pynetdicom's to decode. Items of unknown types are
ignored, as PS3.8 9.3.1 asks.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pynetdicom.pdu_items import (
    AsynchronousOperationsWindowSubItem,
    ImplementationClassUIDSubItem,
    ImplementationVersionNameSubItem,
    MaximumLengthSubItem,
    SCP_SCU_RoleSelectionSubItem,
    SOPClassExtendedNegotiationSubItem,
    UserIdentitySubItemRQ,
)

from dicomhub.standard.uid import UID_MAX_LENGTH

_ITEM_HEADER = struct.Struct(">BxH")
_HEADER_BYTES = 74
_APPLICATION_CONTEXT, _PRESENTATION_CONTEXT, _USER_INFORMATION = 0x10, 0x20, 0x50
_ABSTRACT_SYNTAX, _TRANSFER_SYNTAX = 0x30, 0x40
_USER_INFORMATION_ITEMS: dict[int, type[Any]] = {
    0x51: MaximumLengthSubItem,
    0x52: ImplementationClassUIDSubItem,
    0x53: AsynchronousOperationsWindowSubItem,
    0x54: SCP_SCU_RoleSelectionSubItem,
    0x55: ImplementationVersionNameSubItem,
    0x56: SOPClassExtendedNegotiationSubItem,
    0x58: UserIdentitySubItemRQ,
}


class RequestMalformed(ValueError):
    """An A-ASSOCIATE-RQ whose items do not add up."""


@dataclass(frozen=True, slots=True)
class ProposedContext:
    context_id: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProposedRole:
    """Roles that the requestor wants for a SOP class. PS3.7 D.3.3.4."""

    sop_class_uid: str
    is_scu: bool
    is_scp: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AssociateRequest:
    """max_pdu_bytes is what the peer can receive, 0 for anything. AE titles are without their padding."""

    protocol_version: int
    called_ae_title: str
    calling_ae_title: str
    application_context: str
    contexts: tuple[ProposedContext, ...]
    max_pdu_bytes: int = 0
    implementation_class_uid: str = ""
    implementation_version_name: str = ""
    wants_asynchronous_operations: bool = False
    roles: tuple[ProposedRole, ...] = ()
    extended_sop_classes: tuple[str, ...] = ()
    user_identity_type: int = 0
    wants_identity_response: bool = False


def _items(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and value of each item of a run of items."""
    offset = 0
    while offset < len(data):
        if offset + _ITEM_HEADER.size > len(data):
            raise RequestMalformed("an item's header is cut short")
        item_type, length = _ITEM_HEADER.unpack_from(data, offset)
        offset += _ITEM_HEADER.size
        if offset + length > len(data):
            raise RequestMalformed(f"item {item_type:#04x} of {length} bytes is cut short")
        yield item_type, data[offset : offset + length]
        offset += length


def _uid(value: bytes) -> str:
    """A UID as sent; some peers pad it, which PS3.8 F forbids."""
    return _remembered_uid(value) if len(value) <= UID_MAX_LENGTH else _decoded_uid(value)


def _decoded_uid(value: bytes) -> str:
    try:
        return value.rstrip(b"\0 ").decode("ascii")
    except UnicodeDecodeError:
        raise RequestMalformed("a UID is not ASCII") from None


# The same few hundred come with every request. Longer ones, of up to 64 KiB each, are not kept.
_remembered_uid = lru_cache(maxsize=4096)(_decoded_uid)


def _context(value: bytes) -> ProposedContext:
    if len(value) < 4:
        raise RequestMalformed("a presentation context is cut short")
    items = list(_items(value[4:]))
    abstract_syntaxes = [_uid(uid) for item_type, uid in items if item_type == _ABSTRACT_SYNTAX]
    transfer_syntaxes = tuple(_uid(uid) for item_type, uid in items if item_type == _TRANSFER_SYNTAX)
    if len(abstract_syntaxes) != 1:
        raise RequestMalformed(f"context {value[0]} has {len(abstract_syntaxes)} abstract syntaxes")
    return ProposedContext(value[0], abstract_syntaxes[0], transfer_syntaxes)


def _user_item(item_type: int, value: bytes) -> Any:
    item = _USER_INFORMATION_ITEMS[item_type]()
    try:
        item.decode(_ITEM_HEADER.pack(item_type, len(value)) + value)
    except Exception as error:
        # pynetdicom answers bad bytes with whatever its slicing ran into: struct.error, ValueError, ...
        raise RequestMalformed(f"user information item {item_type:#04x}: {error}") from error
    return item


def _user_information(data: bytes) -> dict[str, Any]:
    """What the user information says, as fields of AssociateRequest."""
    fields: dict[str, Any] = {}
    roles: list[ProposedRole] = []
    extended: list[str] = []
    for item_type, value in _items(data):
        if item_type not in _USER_INFORMATION_ITEMS:
            continue
        match _user_item(item_type, value):
            case MaximumLengthSubItem() as item:
                fields["max_pdu_bytes"] = item.maximum_length_received
            case ImplementationClassUIDSubItem() as item:
                fields["implementation_class_uid"] = str(item.implementation_class_uid or "")
            case ImplementationVersionNameSubItem() as item:
                fields["implementation_version_name"] = item.implementation_version_name or ""
            case AsynchronousOperationsWindowSubItem():
                fields["wants_asynchronous_operations"] = True
            case SCP_SCU_RoleSelectionSubItem() as item:
                roles.append(ProposedRole(str(item.sop_class_uid), bool(item.scu_role), bool(item.scp_role)))
            case SOPClassExtendedNegotiationSubItem() as item:
                extended.append(str(item.sop_class_uid))
            case UserIdentitySubItemRQ() as item:
                fields["user_identity_type"] = item.user_identity_type
                fields["wants_identity_response"] = bool(item.positive_response_requested)
    return {**fields, "roles": tuple(roles), "extended_sop_classes": tuple(extended)}


def decode_request(pdu: bytes) -> AssociateRequest:
    """Decode a whole A-ASSOCIATE-RQ, its header in front. Raises RequestMalformed."""
    if len(pdu) < _HEADER_BYTES:
        raise RequestMalformed(f"{len(pdu)} bytes are no A-ASSOCIATE-RQ")
    application_context = ""
    contexts: dict[int, ProposedContext] = {}
    user_information: dict[str, Any] = {}
    for item_type, value in _items(pdu[_HEADER_BYTES:]):
        if item_type == _APPLICATION_CONTEXT:
            application_context = _uid(value)
        elif item_type == _PRESENTATION_CONTEXT:
            context = _context(value)
            if context.context_id in contexts:
                raise RequestMalformed(f"presentation context {context.context_id} is proposed twice")
            contexts[context.context_id] = context
        elif item_type == _USER_INFORMATION:
            user_information = _user_information(value)
    return AssociateRequest(
        protocol_version=int.from_bytes(pdu[6:8], "big"),
        called_ae_title=_ae_title(pdu[10:26]),
        calling_ae_title=_ae_title(pdu[26:42]),
        application_context=application_context,
        contexts=tuple(contexts.values()),
        **user_information,
    )


def _ae_title(value: bytes) -> str:
    """An AE title; "" for one that is none, which the association then rejects. PS3.5 6.2."""
    title = value.rstrip(b"\0").strip(b" ")
    is_title = all(0x20 <= byte <= 0x7E and byte != 0x5C for byte in title)
    return title.decode("ascii") if is_title else ""
