"""Associations that propose a service besides Storage and Verification, which pynetdicom carries on."""

import signal
import socket
import struct
from pathlib import Path

import pytest
from pydicom import dcmread
from pynetdicom import AE
from pynetdicom.association import Association

from tests.scp.copies import archived, fresh_copy
from tests.scp.lanes import STUDY_ROOT_FIND, associated, request
from tests.scp.pdus import (
    COMMAND,
    CT,
    IMPLICIT,
    LAST,
    RELEASE_RP,
    RELEASE_RQ,
    VERIFICATION,
    associate_rq,
    c_echo_rq,
    c_store_rq,
    command_set,
    context_item,
    p_data,
    pdu,
    pdv,
    uid,
    us,
    user_information,
)
from tests.scp.raw_peer import RawPeer, data_pdus, data_set_of, store_command
from tests.support.process_memory import peak_bytes
from tests.support.pynetdicom_peer import statuses
from tests.support.samples import sample
from tests.support.waiting import wait_until

ECHO = p_data(pdv(c_echo_rq(), context=3, control=COMMAND | LAST))


def threads(scp):
    return [len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in scp.children("worker")]


def test_what_was_sent_behind_the_request_is_served_after_the_hand_over(scp, tmp_path):
    path = fresh_copy("CT_small.dcm", tmp_path)
    store = store_command(path) + b"".join(data_pdus(data_set_of(path)))
    with RawPeer(scp) as peer:
        peer.send(request("general") + ECHO + store + ECHO + RELEASE_RQ)
        assert peer.read()[0] == 2
        assert sorted(peer.status() for _ in range(3)) == [(0, "")] * 3
        assert peer.read() == (6, bytes(4))
    assert archived(scp, path) == data_set_of(path)


@pytest.mark.parametrize("size", [1, 7, 50])
def test_a_request_and_messages_that_come_in_drops_are_handed_over_whole(scp, tmp_path, size):
    path = fresh_copy("rtplan.dcm", tmp_path)
    content = data_set_of(path)
    contexts = (
        context_item(1, dcmread(path).SOPClassUID, IMPLICIT),
        context_item(3, VERIFICATION, IMPLICIT),
        context_item(5, STUDY_ROOT_FIND, IMPLICIT),
    )
    stream = associate_rq(*contexts) + store_command(path) + b"".join(data_pdus(content)) + ECHO
    with RawPeer(scp) as peer:
        for start in range(0, 600, size):
            peer.send(stream[start : start + size])
        sent = range(0, 600, size)[-1] + size
        peer.send(stream[sent:])
        assert peer.read()[0] == 2
        assert peer.status() == (0, "")
        assert peer.status() == (0, "")
    assert archived(scp, path) == content


def test_pynetdicom_stores_and_echoes_beside_a_query_service_that_is_rejected(scp, tmp_path):
    path = fresh_copy("JPEG2000.dcm", tmp_path)
    data_set = dcmread(path)
    entity = AE()
    entity.add_requested_context(STUDY_ROOT_FIND)
    entity.add_requested_context(data_set.SOPClassUID, data_set.file_meta.TransferSyntaxUID)
    entity.add_requested_context(VERIFICATION)
    sends = (Association.send_c_echo, lambda association: association.send_c_store(data_set))
    association, found = statuses(entity, scp.host, scp.port, sends)
    assert [context.abstract_syntax for context in association.rejected_contexts] == [STUDY_ROOT_FIND]
    assert found == [0, 0]
    assert dcmread(next(f for f in scp.archived() if f.stem == path.stem)) == data_set


def test_an_association_with_nothing_but_unsupported_services_is_accepted_and_can_be_released(scp):
    with RawPeer(scp).associate(context_item(1, STUDY_ROOT_FIND, IMPLICIT)) as peer:
        peer.send(RELEASE_RQ)
        assert peer.read() == (6, bytes(4))


def test_one_line_tells_of_the_association_and_no_thread_is_left(scp, tmp_path):
    path = fresh_copy("CT_small.dcm", tmp_path)
    with associated(scp, "general") as peer:
        peer.send(store_command(path) + b"".join(data_pdus(data_set_of(path))))
        assert peer.status() == (0, "")
        assert max(threads(scp)) == 3
        peer.send(RELEASE_RQ)
        assert peer.read() == (6, bytes(4))
        peer.socket.shutdown(socket.SHUT_RDWR)
        line = scp.end_of(peer.address)
    for field in ("outcome=released", "instances=1", "refused=0", "tenant=default", "contexts_proposed=3"):
        assert field in line
    wait_until(lambda: set(threads(scp)) == {1}, what="no thread is left")


# The same statuses as in the receive lane.


@pytest.mark.parametrize(
    ("command", "content", "context", "status"),
    [
        (c_store_rq("1.2.840.10008.5.1.4.1.1.4", "1.2.3"), b"x", 1, 0x0122),
        (c_store_rq(CT, "1.2.x"), b"x", 1, 0x0117),
        (c_store_rq(CT, "1.2.3", data_set_type=0x0101), b"", 1, 0x0212),
        (c_store_rq(CT, "1.2.3"), b"this is no data set", 1, 0xC000),
        (c_store_rq(VERIFICATION, "1.2.3"), b"x", 3, 0x0122),
        (c_echo_rq(), b"", 1, 0x0122),
        (
            command_set((2, uid(STUDY_ROOT_FIND)), (0x100, us(0x20)), (0x110, us(9)), (0x800, us(0))),
            b"x",
            1,
            0x0211,
        ),
        (command_set((2, uid(VERIFICATION)), (0x100, us(0x30)), (0x110, us(9)), (0x800, us(0))), b"x", 3, 0),
    ],
)
def test_a_refusal_has_its_status_and_service_goes_on(scp, command, content, context, status):
    with associated(scp, "general") as peer:
        peer.send(p_data(pdv(command, context=context, control=COMMAND | LAST)))
        peer.send(p_data(pdv(content, context=context)) if content else b"")
        assert peer.status()[0] == status
        peer.send(ECHO)
        assert peer.status() == (0, "")
    assert scp.incoming() == []


def test_a_peer_with_a_tiny_maximum_length_gets_its_answers_in_pieces(scp):
    information = user_information(max_pdu_bytes=20)
    with associated(scp, "general", information=information) as peer:
        peer.send(ECHO + p_data(pdv(c_store_rq(CT, "1.2.x"), control=3), pdv(b"x")))
        bodies = [peer.read()[1]]
        while sum(bool(body[5] & LAST) for body in bodies) < 2:
            bodies.append(peer.read()[1])
        assert max(map(len, bodies)) <= 20


# Ends.


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x42" * 20, (2, 1)),
        (request("general"), (2, 2)),
        (RELEASE_RP, (2, 2)),
        (pdu(4, b""), (2, 6)),
        (pdu(4, b"", length=2**32 - 1), (2, 6)),
        (p_data(pdv(b"x", context=5)), (2, 6)),
        (p_data(pdv(b"data without a command")), (2, 5)),
        (p_data(pdv(b"no command", control=COMMAND | LAST)), (2, 6)),
        (p_data(pdv(c_store_rq(CT, "1.2.3"), control=3), pdv(b"x", context=3)), (2, 5)),
        (struct.pack(">BxIIBB", 4, 300, 296, 1, 0) + bytes(20), (2, 5)),
    ],
)
def test_a_protocol_error_is_answered_with_its_reason(scp, data, reason):
    with associated(scp, "general") as peer:
        peer.send(data)
        assert peer.abort_reason() == reason


@pytest.mark.parametrize("begun", [b"", b"\4\0\0", struct.pack(">BxIIBB", 4, 300, 296, 1, 1) + bytes(20)])
def test_a_peer_that_falls_silent_is_aborted_and_closed(impatient_scp, begun):
    with associated(impatient_scp, "general") as peer:
        peer.send(begun)
        assert peer.abort_reason() == (0, 0)
        assert peer.is_closed()  # ARTIM


def test_more_requests_than_are_served_at_a_time_wait_in_the_peers_socket(scp):
    with associated(scp, "general") as peer:
        peer.send(ECHO * 200)
        assert [peer.status() for _ in range(200)] == [(0, "")] * 200


# The supervisor's signals.


def test_a_drain_lets_the_association_finish(start_scp, tmp_path):
    scp = start_scp(SCP_DRAIN_SECONDS=20)
    path = fresh_copy("CT_small.dcm", tmp_path)
    with associated(scp, "general") as peer:
        scp.signal(signal.SIGTERM)
        wait_until(lambda: "stopping" in scp.log() or "draining" in scp.log(), what="the drain has begun")
        peer.send(store_command(path) + b"".join(data_pdus(data_set_of(path))))
        assert peer.status() == (0, "")
        peer.send(RELEASE_RQ)
        assert peer.read() == (6, bytes(4))
        peer.socket.close()
    assert scp.stop() == 0
    assert archived(scp, path) == data_set_of(path)


def test_the_end_of_the_drain_aborts_the_association(start_scp):
    scp = start_scp(SCP_DRAIN_SECONDS=1)
    with associated(scp, "general") as peer:
        scp.signal(signal.SIGTERM)
        assert peer.abort_reason() == (0, 0)
        assert "outcome=stopped" in scp.end_of(peer.address)
    assert scp.stop() == 0


def test_a_large_instance_is_never_in_memory_as_a_whole(start_scp):
    scp = start_scp(SCP_DURABILITY="process")
    path = sample("CT_small.dcm")
    head = data_set_of(path)
    large = struct.pack("<HH2sxxI", 0xFFFD, 0x1001, b"OB", 200_000_000)
    with associated(scp, "general") as peer:
        peer.send(store_command(path) + p_data(pdv(head + large, control=0)))
        piece = p_data(pdv(bytes(100_000), control=0))
        for _ in range(2000):
            peer.send(piece)
        peer.send(p_data(pdv(b"")))
        assert peer.status() == (0, "")
        assert max(peak_bytes(pid) for pid in scp.children("worker")) < 100_000_000
    assert scp.archived()[0].stat().st_size > 200_000_000
