"""Command sets, as peers write them, and our answers, read by pydicom."""

import contextlib
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.filereader import read_dataset

from dicomhub.standard.status import Status
from scp.dimse import Command, CommandMalformed, Response, decode_command, encode_response
from scp.upper_layer.answer import encode_command
from tests.scp.pdus import CT, VERIFICATION, c_echo_rq, c_store_rq, command_set, feed, parser, uid, us

STORE = Command(
    command_field=1,
    message_id=7,
    has_data_set=True,
    affected_sop_class_uid=CT,
    affected_sop_instance_uid="1.2.3",
)


def test_a_c_store_request():
    assert decode_command(c_store_rq(CT, "1.2.3", message_id=7)) == STORE


def test_a_c_echo_request():
    command = decode_command(c_echo_rq(message_id=65535))
    assert (command.command_field, command.message_id, command.has_data_set) == (0x30, 65535, False)


ELEMENTS = [
    (0x0002, uid(CT)),
    (0x0100, us(1)),
    (0x0110, us(7)),
    (0x0800, us(0)),
    (0x1000, uid("1.2.3")),
    (0x1030, b"MOVER "),
]


@given(st.permutations(ELEMENTS))
def test_the_order_of_elements_does_not_matter(elements):
    assert decode_command(command_set(*elements)) == STORE


@pytest.mark.parametrize("group_length", [0, 1, 2**32 - 1])
def test_a_wrong_group_length_does_not_matter(group_length):
    assert decode_command(command_set(*ELEMENTS, group_length=group_length)) == STORE


def test_a_missing_group_length_does_not_matter():
    assert decode_command(command_set(*ELEMENTS)[12:]) == STORE


def test_odd_lengths_and_numbers_of_four_bytes_are_read():
    odd = [
        (0x0002, CT.encode()),
        (0x0100, us(1)),
        (0x0110, b"\7\0\0\0"),
        (0x0800, b"\0"),
        (0x1000, b"1.2.3 "),
    ]
    assert decode_command(command_set(*odd)) == STORE


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\0",
        command_set((0x0100, us(1))),
        command_set((0x0110, us(1))),
        command_set((0x0100, b""), (0x0110, us(1))),
        command_set((0x0100, bytes(8)), (0x0110, us(1))),
        command_set(*ELEMENTS)[:-1],
        command_set(*ELEMENTS) + b"\x08\0\x05\0\0\0\0\0",
        b"\0\0\2\0\xff\xff\xff\xff",
    ],
    ids=repr,
)
def test_what_cannot_be_answered_is_malformed(data):
    with pytest.raises(CommandMalformed):
        decode_command(data)


@given(st.binary(max_size=100))
def test_any_bytes_are_a_command_or_malformed(data):
    with contextlib.suppress(CommandMalformed):
        assert 0 <= decode_command(data).message_id <= 65535


def decoded(response: Response):
    data = encode_response(response)
    data_set = read_dataset(BytesIO(data), is_implicit_VR=True, is_little_endian=True)
    assert data_set.CommandGroupLength == len(data) - 12
    return data_set


def test_the_answer_to_a_c_store():
    answer = decoded(Response(command=STORE, status=Status.SUCCESS))
    assert answer.CommandField == 0x8001
    assert answer.MessageIDBeingRespondedTo == 7
    assert (answer.AffectedSOPClassUID, answer.AffectedSOPInstanceUID) == (CT, "1.2.3")
    assert (answer.CommandDataSetType, answer.Status) == (0x0101, 0)
    assert "ErrorComment" not in answer
    assert [element.tag for element in answer] == sorted(element.tag for element in answer)


def test_a_refusal_says_why_in_64_characters():
    answer = decoded(Response(command=STORE, status=Status.OUT_OF_RESOURCES, comment="é" + "x" * 99))
    assert (answer.Status, answer.ErrorComment) == (0xA700, "?" + "x" * 63)


def test_the_answer_to_a_c_echo():
    answer = decoded(Response(command=decode_command(c_echo_rq()), status=Status.SUCCESS))
    assert (answer.CommandField, answer.AffectedSOPClassUID) == (0x8030, VERIFICATION)


@pytest.mark.parametrize("peer_max_pdu_bytes", [0, 1, 6, 7, 20, 100, 16384])
def test_an_answer_comes_in_pdus_that_the_peer_can_take(peer_max_pdu_bytes):
    command = encode_response(Response(command=STORE, status=Status.SUCCESS))
    pdus = encode_command(5, command, peer_max_pdu_bytes=peer_max_pdu_bytes)
    [event] = feed(parser(), pdus)
    assert (event.context_id, event.is_command, event.is_last) == (5, True, True)
    assert bytes(event.fragments[0]) == command
    longest = int.from_bytes(pdus[2:6], "big")
    assert longest <= max(peer_max_pdu_bytes, 7) or not peer_max_pdu_bytes
