"""The golden events by another decoder: pynetdicom's PDUs, told in the same words as the parser's events.

The .events files are written from what the parser says, so that a fault of its would be golden too.
"""

from collections.abc import Iterator
from itertools import chain

import pytest
from pynetdicom.pdu import A_ABORT_RQ, A_ASSOCIATE_RQ, A_RELEASE_RQ, P_DATA_TF

from scp.upper_layer.events import (
    Aborted,
    AssociateRequested,
    DataFragments,
    Event,
    ReleaseRequested,
)
from scp.upper_layer.request import AssociateRequest, ProposedContext, ProposedRole, decode_request
from tests.fuzz.mutator import split_into_pdus
from tests.fuzz.seeds import seeds
from tests.scp.corpus import described, pairs
from tests.scp.pdus import joined

PDUS = {1: A_ASSOCIATE_RQ, 4: P_DATA_TF, 5: A_RELEASE_RQ, 7: A_ABORT_RQ}
PEERS = pairs("peers")
# Those of the mutator hold every item of the user information, which no recorded peer proposes.
STREAMS = {pair.name: pair.stream for pair in PEERS} | {
    f"mutator's {number}": stream for number, stream in enumerate(seeds())
}


def decoded(pdu):
    assert pdu[0] in PDUS, f"a peer that requests sends no PDU of type {pdu[0]}"
    read = PDUS[pdu[0]]()
    read.decode(pdu)
    assert read.pdu_length == len(pdu) - 6
    return read


def events(pdu: bytes) -> Iterator[Event]:
    match decoded(pdu):
        case A_ASSOCIATE_RQ():
            yield AssociateRequested(pdu)
        case P_DATA_TF() as data:
            yield from map(fragments, data.presentation_data_value_items)
        case A_RELEASE_RQ():
            yield ReleaseRequested()
        case A_ABORT_RQ() as abort:
            yield Aborted(abort.source, abort.reason_diagnostic)


def fragments(pdv) -> DataFragments:
    is_last, is_command = (bit == "1" for bit in pdv.message_control_header_byte[-2:])
    data = memoryview(pdv.presentation_data_value[1:])
    return DataFragments(pdv.presentation_context_id, is_command, is_last, (data,))


@pytest.mark.parametrize("pair", PEERS, ids=lambda pair: pair.name)
def test_pynetdicom_finds_the_same_in_a_peers_stream(pair):
    found = joined(list(chain.from_iterable(map(events, split_into_pdus(pair.stream)))))
    assert list(map(described, found)) == pair.events


def request(pdu: bytes) -> AssociateRequest:
    read = decoded(pdu)
    information, identity = read.user_information, read.user_information.user_identity
    return AssociateRequest(
        protocol_version=read.protocol_version,
        called_ae_title=read.called_ae_title.strip(),
        calling_ae_title=read.calling_ae_title.strip(),
        application_context=read.application_context_name,
        contexts=tuple(
            ProposedContext(context.context_id, context.abstract_syntax, tuple(context.transfer_syntax))
            for context in read.presentation_context
        ),
        max_pdu_bytes=information.maximum_length,
        implementation_class_uid=information.implementation_class_uid,
        implementation_version_name=information.implementation_version_name or "",
        wants_asynchronous_operations=information.async_ops_window is not None,
        roles=tuple(
            ProposedRole(uid, is_scu=bool(role.scu_role), is_scp=bool(role.scp_role))
            for uid, role in information.role_selection.items()
        ),
        extended_sop_classes=tuple(item.sop_class_uid for item in information.ext_neg),
        user_identity_type=identity.user_identity_type if identity else 0,
        wants_identity_response=bool(identity and identity.positive_response_requested),
    )


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_pynetdicom_decodes_the_same_request(stream):
    pdu = split_into_pdus(stream)[0]
    assert decode_request(pdu) == request(pdu)
