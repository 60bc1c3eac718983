"""A live SCP and peers of every kind: what they send is kept bit for bit, or refused with its reason."""

import re
import struct
import subprocess

import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid
from pynetdicom import AE
from pynetdicom.association import Association

from dicomhub.standard.part10 import read_file_meta
from scp.messages import COMMAND_SET_MAX_BYTES
from tests.scp.copies import archived, fresh_copy
from tests.scp.lanes import LANES, STUDY_ROOT_FIND, associated
from tests.scp.pdus import (
    ABORT,
    COMMAND,
    CT,
    EXPLICIT,
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
)
from tests.scp.raw_peer import RawPeer, data_pdus, data_set_of, store_command
from tests.support.pynetdicom_peer import statuses
from tests.support.samples import sample
from tests.support.waiting import wait_until

IN_EVERY_KIND_OF_TRANSFER_SYNTAX = [
    "CT_small.dcm",  # explicit VR little endian
    "MR_small_implicit.dcm",
    "MR_small_bigendian.dcm",
    "image_dfl.dcm",  # deflated
    "JPEG2000.dcm",
    "JPEG-LL.dcm",
    "MR_small_RLE.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "color3d_jpeg_baseline.dcm",
    "waveform_ecg.dcm",
    "reportsi.dcm",
    "color-pl.dcm",
]


@pytest.mark.parametrize("name", IN_EVERY_KIND_OF_TRANSFER_SYNTAX)
def test_a_data_set_is_kept_bit_for_bit_in_the_transfer_syntax_it_came_in(scp, name):
    path = sample(name)
    meta = read_file_meta(path.read_bytes())
    content = data_set_of(path)
    with RawPeer(scp).associate_for(path) as peer:
        peer.send(store_command(path))
        peer.send(b"".join(data_pdus(content)))
        assert peer.status() == (0, "")
        peer.send(RELEASE_RQ)
        assert peer.read() == (6, bytes(4))
    assert archived(scp, path) == content
    file = next(file for file in scp.archived() if file.stem == meta.media_storage_sop_instance_uid)
    kept = read_file_meta(file.read_bytes())
    assert kept.transfer_syntax_uid == meta.transfer_syntax_uid
    assert kept.media_storage_sop_class_uid == meta.media_storage_sop_class_uid


@pytest.mark.parametrize("size", [1, 3, 997, 131_000])
def test_a_data_set_is_kept_however_it_is_fragmented(scp, tmp_path, size):
    path = fresh_copy("rtplan.dcm", tmp_path)
    content = data_set_of(path)
    with RawPeer(scp).associate_for(path) as peer:
        command = store_command(path)
        for start in range(0, len(command), 50):
            peer.send(command[start : start + 50])
        peer.send(b"".join(data_pdus(content, size=size)))
        assert peer.status() == (0, "")
    assert archived(scp, path) == content


def test_a_message_in_one_pdu_and_two_messages_in_one_pdu(scp, tmp_path):
    first, second = fresh_copy("CT_small.dcm", tmp_path), fresh_copy("CT_small.dcm", tmp_path)
    pdvs = []
    for path in (first, second):
        pdvs += [
            pdv(store_command(path)[12:], control=COMMAND | LAST),
            pdv(b"", control=0),
            pdv(data_set_of(path)),
        ]
    with RawPeer(scp).associate_for(first) as peer:
        peer.send(p_data(*pdvs))
        assert peer.status() == (0, "")
        assert peer.status() == (0, "")
    assert archived(scp, first) == data_set_of(first)
    assert archived(scp, second) == data_set_of(second)


def test_dcmtk_stores_and_echoes(scp, tmp_path):
    paths = [fresh_copy("CT_small.dcm", tmp_path) for _ in range(5)]
    port = str(scp.port)
    subprocess.run(["echoscu", scp.host, port], check=True, timeout=300)
    subprocess.run(["storescu", scp.host, port, *paths[:3]], check=True, timeout=300)
    subprocess.run(["dcmsend", scp.host, port, *paths[3:]], check=True, timeout=300)
    assert [archived(scp, path) for path in paths] == [data_set_of(path) for path in paths]


def test_pynetdicom_stores_and_echoes(scp, tmp_path):
    path = fresh_copy("JPEG2000.dcm", tmp_path)
    data_set = dcmread(path)
    entity = AE()
    entity.add_requested_context(data_set.SOPClassUID, data_set.file_meta.TransferSyntaxUID)
    entity.add_requested_context(VERIFICATION)
    sends = (Association.send_c_echo, lambda association: association.send_c_store(data_set))
    assert statuses(entity, scp.host, scp.port, sends)[1] == [0, 0]
    assert dcmread(next(f for f in scp.archived() if f.stem == path.stem)) == data_set


def test_a_log_line_tells_of_each_association(scp, tmp_path):
    path = fresh_copy("CT_small.dcm", tmp_path)
    subprocess.run(["storescu", "-aet", "MARKED", scp.host, str(scp.port), path], check=True, timeout=300)
    line = wait_until(
        lambda: next((line for line in scp.log().splitlines() if "=MARKED" in line), None), what="the line"
    )
    for field in (
        "outcome=released",
        "instances=1",
        "refused=0",
        "called_ae_title=ANY-SCP",
        "tenant=default",
    ):
        assert field in line
    assert re.search(r" peer=127\.0\.0\.1:\d+ ", line)
    [contexts_proposed] = re.findall(r" contexts_proposed=(\d+) ", line)
    assert f" contexts_accepted={contexts_proposed} " in line
    [received_bytes] = re.findall(r" bytes=(\d+) ", line)
    assert 0 < int(received_bytes) - len(data_set_of(path)) < 64 * 1024
    [seconds] = re.findall(r" seconds=(\d+\.\d+) ", line)
    assert 0 < float(seconds) < 300


# Refusals: a defined status each, the rest of the data set thrown away, and the association goes on.


def refused(scp, path, command, content):
    """Send this, expect a refusal and then service as usual; return status and comment."""
    meta = read_file_meta(path.read_bytes())
    contexts = (
        context_item(1, meta.media_storage_sop_class_uid, meta.transfer_syntax_uid),
        context_item(3, VERIFICATION, IMPLICIT),
    )
    with RawPeer(scp).associate(*contexts) as peer:
        peer.send(p_data(pdv(command, control=COMMAND | LAST)))
        peer.send(b"".join(data_pdus(content, size=1000)) if content else b"")
        status, comment = peer.status()
        assert comment
        peer.send(p_data(pdv(c_echo_rq(), context=3, control=COMMAND | LAST)))
        assert peer.status() == (0, "")
        peer.send(RELEASE_RQ)
        assert peer.read() == (6, bytes(4))
    assert archived(scp, path) is None
    assert scp.incoming() == []
    return status, comment


def test_another_sop_class_than_the_contexts_is_refused(scp, tmp_path):
    path = fresh_copy("CT_small.dcm", tmp_path)
    status, _ = refused(scp, path, c_store_rq("1.2.840.10008.5.1.4.1.1.4", path.stem), data_set_of(path))
    assert status == 0x0122


@pytest.mark.parametrize("instance_uid", ["", "1.2.x", "../../etc/passwd", "1" * 65])
def test_a_malformed_instance_uid_in_the_command_is_refused(scp, tmp_path, instance_uid):
    path = fresh_copy("CT_small.dcm", tmp_path)
    assert refused(scp, path, c_store_rq(CT, instance_uid), data_set_of(path))[0] == 0x0117


def test_another_instance_than_the_commands_is_refused(scp, tmp_path):
    path = fresh_copy("CT_small.dcm", tmp_path)
    assert refused(scp, path, c_store_rq(CT, generate_uid()), data_set_of(path))[0] == 0xC001


def test_another_sop_class_than_the_commands_in_the_data_set_is_refused(scp, tmp_path):
    path = fresh_copy("CT_small.dcm", tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    other = fresh_copy("MR_small.dcm", other, SOPInstanceUID=path.stem)
    assert refused(scp, path, c_store_rq(CT, path.stem), data_set_of(other))[0] == 0xA900


@pytest.mark.parametrize("content", [b"\x08", b"this is no data set at all", bytes(5000)])
def test_what_is_no_data_set_is_refused(scp, tmp_path, content):
    path = fresh_copy("CT_small.dcm", tmp_path)
    assert 0xC000 <= refused(scp, path, c_store_rq(CT, path.stem), content)[0] <= 0xCFFF


def test_a_data_set_without_a_byte_is_refused(scp, tmp_path):
    path = fresh_copy("CT_small.dcm", tmp_path)
    with RawPeer(scp).associate_for(path) as peer:
        peer.send(store_command(path) + p_data(pdv(b"")))
        assert peer.status()[0] == 0xC000
        peer.send(store_command(path) + b"".join(data_pdus(data_set_of(path))))
        assert peer.status() == (0, "")
    assert archived(scp, path) == data_set_of(path)


@pytest.mark.parametrize("group_length", [0, 1, 0xFFFFFFFF])
def test_a_wrong_group_length_of_the_command_does_not_matter(scp, tmp_path, group_length):
    path = fresh_copy("CT_small.dcm", tmp_path)
    command = c_store_rq(CT, path.stem)
    command = command[:8] + struct.pack("<I", group_length) + command[12:]
    with RawPeer(scp).associate_for(path) as peer:
        peer.send(p_data(pdv(command, control=COMMAND | LAST)) + b"".join(data_pdus(data_set_of(path))))
        assert peer.status() == (0, "")
    assert archived(scp, path) == data_set_of(path)


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small_implicit.dcm", "MR_small_bigendian.dcm"])
@pytest.mark.parametrize("group", [0x0000, 0x0002])
def test_a_data_set_that_begins_with_group_0_or_2_is_refused(scp, tmp_path, name, group):
    path = fresh_copy(name, tmp_path)
    meta = read_file_meta(path.read_bytes())
    order = ">" if "bigendian" in name else "<"
    value = uid("1.2.840.10008.1.2.4.50")
    header = struct.pack(f"{order}HH", group, 0x0010)
    header += struct.pack("<I" if "implicit" in name else f"{order}2xH", len(value))
    if "implicit" not in name:
        header = header[:4] + b"UI" + header[6:]
    command = c_store_rq(meta.media_storage_sop_class_uid, path.stem)
    assert refused(scp, path, command, header + value + data_set_of(path)) == (
        0xC000,
        f"data set: a data set cannot begin with group {group:04x}",
    )


def test_a_whole_file_instead_of_a_data_set_is_refused(scp, tmp_path):
    path = fresh_copy("CT_small.dcm", tmp_path)
    assert 0xC000 <= refused(scp, path, c_store_rq(CT, path.stem), path.read_bytes())[0] <= 0xCFFF


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID"])
@pytest.mark.parametrize("value", ["1.2.x", "1" * 65, "../../etc"])
def test_a_malformed_uid_in_the_data_set_is_refused(scp, tmp_path, keyword, value):
    path = fresh_copy("CT_small.dcm", tmp_path)
    content = data_set_of(path)
    before = uid(dcmread(path)[keyword].value)
    after = uid(value)
    place = content.index(before)
    content = content[: place - 2] + struct.pack("<H", len(after)) + after + content[place + len(before) :]
    assert refused(scp, path, c_store_rq(CT, path.stem), content) == (0xC001, f"{keyword} is malformed")


def test_a_data_set_of_odd_length_is_kept_as_it_is(scp, tmp_path):
    path = fresh_copy("CT_small.dcm", tmp_path)
    content = data_set_of(path) + struct.pack("<HH2sxxI", 0xFFFD, 0x1001, b"OB", 3) + b"odd"
    with RawPeer(scp).associate_for(path) as peer:
        peer.send(store_command(path) + b"".join(data_pdus(content, size=999)))
        assert peer.status() == (0, "")
    assert archived(scp, path) == content


def test_a_data_set_without_a_study_is_refused(scp, tmp_path):
    path = fresh_copy("CT_small.dcm", tmp_path, StudyInstanceUID="")
    assert refused(scp, path, c_store_rq(CT, path.stem), data_set_of(path))[0] == 0xC001


def test_a_c_store_without_a_data_set_is_refused(scp, tmp_path):
    path = fresh_copy("CT_small.dcm", tmp_path)
    assert refused(scp, path, c_store_rq(CT, path.stem, data_set_type=0x0101), b"")[0] == 0x0212


@pytest.mark.parametrize("data_set_type", [0x0101, 0])
def test_other_commands_are_not_recognized(scp, tmp_path, data_set_type):
    path = fresh_copy("CT_small.dcm", tmp_path)
    find = command_set(
        (2, uid(STUDY_ROOT_FIND)), (0x100, us(0x20)), (0x110, us(9)), (0x800, us(data_set_type))
    )
    content = b"" if data_set_type == 0x0101 else b"identifier"
    assert refused(scp, path, find, content)[0] == 0x0211


def test_a_cancel_is_not_answered(scp):
    cancel = command_set((0x100, us(0x0FFF)), (0x120, us(1)), (0x800, us(0x0101)))
    with RawPeer(scp).associate() as peer:
        peer.send(p_data(pdv(cancel, control=COMMAND | LAST)))
        peer.send(p_data(pdv(c_echo_rq(), context=3, control=COMMAND | LAST)))
        assert peer.status() == (0, "")


# The end of an association in the middle of a data set.


@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize("end", ["release", "abort", "loss", "garbage"])
def test_an_end_during_a_c_store_keeps_the_completed_instances_and_nothing_else(scp, tmp_path, end, lane):
    complete, begun = fresh_copy("CT_small.dcm", tmp_path), fresh_copy("CT_small.dcm", tmp_path)
    with associated(scp, lane) as peer:
        peer.send(store_command(complete) + b"".join(data_pdus(data_set_of(complete))))
        assert peer.status() == (0, "")
        peer.send(store_command(begun) + data_pdus(data_set_of(begun))[0])
        wait_until(scp.incoming, what="the second instance has begun")
        match end:
            case "release":
                peer.send(RELEASE_RQ)
                assert peer.read() == (6, bytes(4))
            case "abort":
                peer.send(ABORT)
                assert peer.is_closed()
            case "loss":
                peer.socket.close()
            case "garbage":
                peer.send(b"\xff" * 100)
                assert peer.abort_reason() == (2, 1)
        wait_until(lambda: not scp.incoming(), what="the incoming file is gone")
    assert archived(scp, complete) == data_set_of(complete)
    assert archived(scp, begun) is None


@pytest.mark.parametrize("lane", LANES)
def test_a_stall_during_a_c_store_keeps_the_completed_instances_and_nothing_else(
    impatient_scp, tmp_path, lane
):
    complete, begun = fresh_copy("CT_small.dcm", tmp_path), fresh_copy("CT_small.dcm", tmp_path)
    messages = [store_command(complete), *data_pdus(data_set_of(complete))]
    messages += [store_command(begun), data_pdus(data_set_of(begun))[0]]
    with associated(impatient_scp, lane) as peer:
        peer.send(b"".join(messages))
        assert peer.status() == (0, "")
        assert peer.abort_reason() == (0, 0)
        wait_until(lambda: not impatient_scp.incoming(), what="the incoming file is gone")
    assert "reason=stalled" in impatient_scp.end_of(peer.address)
    assert archived(impatient_scp, complete) == data_set_of(complete)
    assert archived(impatient_scp, begun) is None


# Protocol errors.


@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.1\r\n\r\n", RELEASE_RQ, p_data(pdv(b"x")), pdu(1, bytes(68), length=3)]
)
def test_what_is_no_request_before_an_association_is_aborted(scp, data):
    with RawPeer(scp) as peer:
        peer.send(data)
        assert peer.abort_reason() == (0, 0)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x42" * 20, (2, 1)),
        (associate_rq(), (2, 2)),
        (RELEASE_RP, (2, 2)),
        (pdu(4, b""), (2, 6)),
        (pdu(5, b"12345"), (2, 6)),
        (p_data(pdv(b"x", context=99)), (2, 6)),
        (p_data(pdv(b"data without a command")), (2, 5)),
        (p_data(pdv(b"no command", control=COMMAND | LAST)), (2, 6)),
        (p_data(pdv(command_set((0x100, us(0x8001)), (0x120, us(1))), control=COMMAND | LAST)), (2, 5)),
        (p_data(pdv(c_store_rq(CT, "1.2.3"), control=3), pdv(c_echo_rq(), control=3)), (2, 5)),
        (p_data(pdv(c_store_rq(CT, "1.2.3"), control=3), pdv(b"x", context=3)), (2, 5)),
        (p_data(pdv(bytes(COMMAND_SET_MAX_BYTES + 1), control=COMMAND)), (2, 6)),
    ],
)
def test_a_protocol_error_is_answered_with_its_reason(scp, data, reason):
    with RawPeer(scp).associate() as peer:
        peer.send(data)
        assert peer.abort_reason() == reason
    wait_until(lambda: not scp.incoming(), what="nothing is left")


def test_a_rejected_association_is_closed_when_its_peer_does_not(impatient_scp):
    with RawPeer(impatient_scp) as peer:
        peer.send(associate_rq(application_context="1.2.3"))
        assert peer.read() == (3, b"\0\1\1\2")
        assert peer.is_closed()  # ARTIM


def test_a_request_that_does_not_add_up_is_aborted(scp):
    with RawPeer(scp) as peer:
        peer.send(pdu(1, associate_rq()[6:-3]))
        assert peer.abort_reason() == (2, 6)


def test_a_peer_that_never_asks_for_an_association_is_closed(impatient_scp):
    with RawPeer(impatient_scp) as peer:
        assert peer.is_closed()  # ARTIM


def test_a_peer_that_asks_for_nothing_more_is_aborted(impatient_scp):
    with RawPeer(impatient_scp).associate() as peer:
        assert peer.abort_reason() == (0, 0)


def test_a_peer_that_announces_bytes_and_stops_is_aborted(impatient_scp):
    with RawPeer(impatient_scp).associate() as peer:
        peer.send(p_data(pdv(bytes(256), control=COMMAND))[:40])
        assert peer.abort_reason() == (0, 0)


def test_a_peer_with_a_tiny_maximum_length_gets_its_answers_in_pieces(scp):
    from tests.scp.pdus import user_information

    with RawPeer(scp).associate(information=user_information(max_pdu_bytes=20)) as peer:
        peer.send(p_data(pdv(c_echo_rq(), context=3, control=COMMAND | LAST)))
        bodies = [peer.read()[1]]
        while not bodies[-1][5] & LAST:
            bodies.append(peer.read()[1])
        assert max(map(len, bodies)) <= 20
        assert len(bodies) > 3


def test_contexts_of_other_services_are_rejected_one_by_one(scp):
    entity = AE()
    entity.add_requested_context(STUDY_ROOT_FIND)
    entity.add_requested_context(CT, EXPLICIT)
    association = entity.associate(scp.host, scp.port)
    assert [context.abstract_syntax for context in association.accepted_contexts] == [CT]
    assert [context.result for context in association.rejected_contexts] == [3]
    association.release()
    entity.shutdown()
