"""A-ASSOCIATE-RQ in, A-ASSOCIATE-AC or a rejection out; the answers are read by pynetdicom."""

import struct
import tracemalloc
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynetdicom.pdu import A_ASSOCIATE_AC
from pynetdicom.pdu_items import (
    AsynchronousOperationsWindowSubItem,
    SCP_SCU_RoleSelectionSubItem,
    SOPClassExtendedNegotiationSubItem,
    UserIdentitySubItemAC,
)

from dicomhub.environment import read_environment
from dicomhub.standard.sop_class import STORAGE_SOP_CLASSES
from dicomhub.standard.transfer_syntax import TRANSFER_SYNTAXES
from dicomhub.standard.uid import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from scp.acceptance import Acceptance, Acceptor, Refused
from scp.permission import permit_anybody
from scp.upper_layer.answer import Rejection, encode_abort, encode_rejection, encode_release_answer
from scp.upper_layer.events import AbortReason
from scp.upper_layer.negotiation import ContextResult
from scp.upper_layer.request import RequestMalformed, decode_request
from tests.scp.lanes import STUDY_ROOT_FIND
from tests.scp.pdus import (
    BIG_ENDIAN,
    CT,
    EXPLICIT,
    IMPLICIT,
    JPEG_LS,
    VERIFICATION,
    associate_rq,
    context_item,
    item,
    pdu,
    user_information,
)

HANGING_PROTOCOL = "1.2.840.10008.5.1.4.38.1"
PRIVATE = "1.2.276.0.7230010.3.1.0.1"
NEWER_THAN_WE_ARE = "1.2.840.10008.5.1.4.1.1.999.1"


def acceptor(**settings: str) -> Acceptor:
    return Acceptor(read_environment(settings).scp)


def answer(request: bytes, **settings: str) -> A_ASSOCIATE_AC:
    judged = acceptor(**settings).judge(request)
    assert isinstance(judged, Acceptance)
    decoded = A_ASSOCIATE_AC()
    decoded.decode(judged.pdu)
    assert decoded.pdu_length == len(judged.pdu) - 6
    return decoded


def result_of(abstract_syntax: str, *transfer_syntaxes: str, context_id: int = 1, **settings: str):
    request = associate_rq(context_item(context_id, abstract_syntax, *transfer_syntaxes))
    [context] = answer(request, **settings).presentation_context
    return context.result, str(context.transfer_syntax or "")


def test_of_many_different_requests_few_are_kept():
    one_acceptor = acceptor()
    contexts = [context_item(2 * n + 1, CT, EXPLICIT, IMPLICIT) for n in range(128)]
    tracemalloc.start()
    try:
        for number in range(200):
            assert isinstance(
                one_acceptor.judge(associate_rq(*contexts, calling=b"CT%d" % number)), Acceptance
            )
        assert tracemalloc.get_traced_memory()[0] < 1024 * 1024
    finally:
        tracemalloc.stop()


def test_a_request_that_comes_again_is_judged_by_what_is_permitted_now():
    one_acceptor, request = acceptor(), associate_rq(context_item(1, CT, EXPLICIT))
    results = []
    for sop_class_uids in (None, frozenset({CT}), frozenset({PRIVATE}), None):
        permission = replace(permit_anybody(decode_request(request)), sop_class_uids=sop_class_uids)
        judged = one_acceptor.judge(request, lambda _request, permission=permission: permission)
        assert judged.permission is permission
        results.append((list(judged.contexts), judged.pdu))
    assert [contexts for contexts, _ in results] == [[1], [1], [], [1]]
    assert len({answer for _, answer in results}) == 2
    judged = one_acceptor.judge(request, lambda _request: Rejection.CALLED_AE_TITLE_NOT_RECOGNIZED)
    assert isinstance(judged, Refused)


def test_requests_that_differ_in_ae_titles_only_have_their_own_answers():
    one_acceptor = acceptor()
    for calling in (b"CT1", b"CT2", b"CT1"):
        judged = one_acceptor.judge(associate_rq(context_item(1, CT, EXPLICIT), calling=calling))
        assert judged.request.calling_ae_title == calling.decode()
        assert judged.pdu[26:42] == calling.ljust(16)


def test_of_uids_that_are_none_nothing_is_kept():
    one_acceptor = acceptor()
    tracemalloc.start()
    try:
        for number in range(200):
            request = associate_rq(
                context_item(1, CT, EXPLICIT), context_item(3, f"{number}." * 10_000, EXPLICIT)
            )
            assert isinstance(one_acceptor.judge(request), Acceptance)
        assert tracemalloc.get_traced_memory()[0] < 1024 * 1024
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("sop_class", sorted({*STORAGE_SOP_CLASSES, VERIFICATION}))
def test_every_storage_sop_class_is_accepted(sop_class):
    assert result_of(sop_class, EXPLICIT) == (0, EXPLICIT)


@pytest.mark.parametrize("transfer_syntax", sorted(TRANSFER_SYNTAXES))
def test_every_transfer_syntax_is_accepted(transfer_syntax):
    assert result_of(CT, transfer_syntax) == (0, transfer_syntax)


@pytest.mark.parametrize(
    ("proposed", "chosen"),
    [
        ((EXPLICIT, JPEG_LS), EXPLICIT),
        ((JPEG_LS, EXPLICIT), JPEG_LS),
        ((IMPLICIT, EXPLICIT), EXPLICIT),
        ((IMPLICIT, BIG_ENDIAN, JPEG_LS), JPEG_LS),
        ((IMPLICIT, BIG_ENDIAN), IMPLICIT),
        ((BIG_ENDIAN, IMPLICIT), BIG_ENDIAN),
        (("1.2.3.4", EXPLICIT), EXPLICIT),
        (("1.2.3.4", IMPLICIT), IMPLICIT),
    ],
)
def test_the_peers_first_choice_is_taken_but_the_two_that_the_web_may_not_carry(proposed, chosen):
    assert result_of(CT, *proposed) == (0, chosen)


@pytest.mark.parametrize("proposed", [(), ("1.2.3.4",), ("1.2.3.4", "1.2.840.10008.1.2.6.1")])
def test_unknown_transfer_syntaxes_are_not_supported(proposed):
    assert result_of(CT, *proposed)[0] == ContextResult.TRANSFER_SYNTAXES_NOT_SUPPORTED


@pytest.mark.parametrize("uid", [STUDY_ROOT_FIND, HANGING_PROTOCOL, PRIVATE, NEWER_THAN_WE_ARE, "", "x"])
def test_what_is_not_stored_is_not_supported(uid):
    assert result_of(uid, EXPLICIT)[0] == ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED


@pytest.mark.parametrize(
    ("uid", "result"),
    [
        (PRIVATE, ContextResult.ACCEPTED),
        (NEWER_THAN_WE_ARE, ContextResult.ACCEPTED),
        (STUDY_ROOT_FIND, ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED),
        ("1.2.840.10008.5.1.4.1.2.99", ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED),
        (HANGING_PROTOCOL, ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED),
        (EXPLICIT, ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED),
        ("", ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED),
    ],
)
def test_unknown_sop_classes_are_taken_on_demand_and_other_services_never(uid, result):
    assert result_of(uid, EXPLICIT, SCP_ACCEPT_UNKNOWN_SOP_CLASSES="on")[0] == result


def test_an_even_context_id_is_rejected_by_the_provider():
    assert result_of(CT, EXPLICIT, context_id=2)[0] == ContextResult.PROVIDER_REJECTION


def test_each_context_is_answered_in_the_order_proposed():
    contexts = [context_item(2 * n + 1, CT if n % 2 else STUDY_ROOT_FIND, EXPLICIT) for n in range(128)]
    results = answer(associate_rq(*contexts)).presentation_context
    assert [context.context_id for context in results] == list(range(1, 257, 2))
    assert [context.result for context in results] == [3, 0] * 64


def test_only_accepted_contexts_may_be_used():
    judged = acceptor().judge(associate_rq(context_item(1, CT, EXPLICIT), context_item(3, PRIVATE, EXPLICIT)))
    assert isinstance(judged, Acceptance)
    assert list(judged.contexts) == [1]
    assert judged.contexts[1].transfer_syntax == EXPLICIT


def test_we_say_who_we_are_and_what_we_take():
    decoded = answer(associate_rq(), SCP_MAX_PDU_BYTES="65536")
    information = decoded.user_information
    assert information.maximum_length == 65536
    assert information.implementation_class_uid == IMPLEMENTATION_CLASS_UID
    assert information.implementation_version_name == IMPLEMENTATION_VERSION_NAME
    assert (decoded.called_ae_title, decoded.calling_ae_title) == ("DICOMHUB", "SENDER")
    assert len(information.user_data) == 3


def test_asynchronous_operations_are_one_at_a_time():
    window = item(0x53, struct.pack(">HH", 8, 8))
    request = associate_rq(information=user_information(window))
    [given] = [
        i
        for i in answer(request).user_information.user_data
        if isinstance(i, AsynchronousOperationsWindowSubItem)
    ]
    assert (given.maximum_number_operations_invoked, given.maximum_number_operations_performed) == (1, 1)


@pytest.mark.parametrize(("scu", "scp"), [(1, 0), (1, 1), (0, 1)])
def test_the_peer_may_be_scu_and_never_scp(scu, scp):
    role = item(0x54, struct.pack(">H", len(CT)) + CT.encode() + bytes((scu, scp)))
    other = item(0x54, struct.pack(">H", len(PRIVATE)) + PRIVATE.encode() + bytes((1, 0)))
    request = associate_rq(information=user_information(role, other))
    [given] = [
        i for i in answer(request).user_information.user_data if isinstance(i, SCP_SCU_RoleSelectionSubItem)
    ]
    assert (given.sop_class_uid, given.scu_role, given.scp_role) == (CT, scu, 0)


def test_extended_negotiation_of_storage_says_that_everything_is_kept():
    extended = item(0x56, struct.pack(">H", len(CT)) + CT.encode() + b"\x02\0\x03\0\x01\0")
    request = associate_rq(information=user_information(extended))
    [given] = [
        i
        for i in answer(request).user_information.user_data
        if isinstance(i, SOPClassExtendedNegotiationSubItem)
    ]
    assert given.service_class_application_information == b"\x02\0\x03\0\0\0"


@pytest.mark.parametrize(
    ("proposed", "item_type"),
    [
        (item(0x54, struct.pack(">H", len(CT)) + CT.encode() + b"\1\0"), SCP_SCU_RoleSelectionSubItem),
        (item(0x56, struct.pack(">H", len(CT)) + CT.encode()), SOPClassExtendedNegotiationSubItem),
    ],
    ids=["roles", "extended negotiation"],
)
def test_what_is_proposed_as_often_as_a_request_can_hold_is_answered_once(proposed, item_type):
    times = (0xFFFF - len(user_information())) // len(proposed)
    request = associate_rq(information=user_information(*[proposed] * times))
    given = answer(request).user_information.user_data
    assert len([each for each in given if isinstance(each, item_type)]) == 1


@pytest.mark.parametrize(
    ("identity_type", "wants_response", "is_answered"),
    [(1, 1, True), (2, 1, True), (1, 0, False), (3, 1, False), (5, 1, False)],
)
def test_a_user_identity_is_answered_when_it_asks_for_it(identity_type, wants_response, is_answered):
    identity = item(0x58, struct.pack(">BBH4sH", identity_type, wants_response, 4, b"user", 0))
    data = answer(associate_rq(information=user_information(identity))).user_information.user_data
    assert any(isinstance(i, UserIdentitySubItemAC) for i in data) is is_answered


def test_items_of_unknown_types_are_ignored():
    request = associate_rq(
        information=user_information(item(0x99, b"?"), item(0x57, b"")), extra=item(0x77, b"unheard of")
    )
    assert answer(request).presentation_context[0].result == 0


@pytest.mark.parametrize(
    ("request_pdu", "rejection"),
    [
        (associate_rq(application_context="1.2.3"), Rejection.APPLICATION_CONTEXT_NOT_SUPPORTED),
        (associate_rq(application_context=""), Rejection.APPLICATION_CONTEXT_NOT_SUPPORTED),
        (associate_rq(protocol_version=2), Rejection.PROTOCOL_VERSION_NOT_SUPPORTED),
        (associate_rq(calling=b""), Rejection.CALLING_AE_TITLE_NOT_RECOGNIZED),
        (associate_rq(calling=b"back\\slash"), Rejection.CALLING_AE_TITLE_NOT_RECOGNIZED),
        (associate_rq(called=b"\xff\xfe"), Rejection.CALLED_AE_TITLE_NOT_RECOGNIZED),
    ],
)
def test_what_cannot_be_an_association_of_ours_is_rejected(request_pdu, rejection):
    judged = acceptor().judge(request_pdu)
    assert isinstance(judged, Refused)
    assert judged.rejection is rejection


def test_any_called_ae_title_and_further_protocol_versions_are_welcome():
    assert answer(associate_rq(called=b"  WHOEVER", protocol_version=3)).called_ae_title == "WHOEVER"


CUT_SHORT = {
    "no items at all": pdu(0x01, bytes(68)),
    "an item's header": pdu(0x01, associate_rq()[6:] + b"\x20\0"),
    "an item": pdu(0x01, associate_rq()[6:-1]),
    "a context": associate_rq(item(0x20, b"\1\0\0")),
    "a context without an abstract syntax": associate_rq(item(0x20, bytes((1, 0, 0, 0)))),
    "a context with two": associate_rq(item(0x20, bytes((1, 0, 0, 0)) + item(0x30, b"1.2") * 2)),
    "a context twice": associate_rq(context_item(1, CT, EXPLICIT), context_item(1, CT, IMPLICIT)),
    "a UID that is no text": associate_rq(item(0x20, bytes((1, 0, 0, 0)) + item(0x30, b"\xff\xfe"))),
    "a maximum length": associate_rq(information=item(0x50, item(0x51, b"\0"))),
    "a role": associate_rq(information=user_information(item(0x54, b"\0\x09"))),
}


@pytest.mark.parametrize("name", CUT_SHORT)
def test_a_malformed_request_is_one_error_or_a_rejection(name):
    try:
        judged = acceptor().judge(CUT_SHORT[name])
    except RequestMalformed:
        return
    assert name == "no items at all"
    assert isinstance(judged, Refused)


@given(st.data())
def test_any_damaged_request_is_judged_or_refused(draw):
    request = bytearray(associate_rq())
    for _ in range(draw.draw(st.integers(1, 6))):
        request[draw.draw(st.integers(6, len(request) - 1))] = draw.draw(st.integers(0, 255))
    try:
        judged = acceptor().judge(bytes(request[: draw.draw(st.integers(74, len(request)))]))
    except RequestMalformed:
        return
    assert isinstance(judged, Acceptance | Refused)


def test_padded_uids_are_understood():
    request = decode_request(associate_rq(item(0x20, bytes((1, 0, 0, 0)) + item(0x30, CT.encode() + b"\0"))))
    assert request.contexts[0].abstract_syntax == CT


def test_the_short_pdus_are_as_the_standard_has_them():
    assert encode_rejection(Rejection.LOCAL_LIMIT_EXCEEDED) == bytes.fromhex("03000000000400020302")
    assert encode_release_answer() == bytes.fromhex("06000000000400000000")
    assert encode_abort(AbortReason.UNRECOGNIZED_PDU) == bytes.fromhex("07000000000400000201")
