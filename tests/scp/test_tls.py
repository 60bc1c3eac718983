"""DICOM through TLS: the same lane, behind a handshake that nobody waits for."""

import re
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from random import Random

import pytest
from pynetdicom import AE
from pynetdicom.association import Association

from dicomhub.environment import EnvironmentInvalid, read_environment
from tests.fuzz.serving import fuzz_supervisor
from tests.scp.copies import archived, fresh_copy
from tests.scp.lanes import STUDY_ROOT_FIND, request
from tests.scp.pdus import (
    COMMAND,
    CT,
    EXPLICIT,
    LAST,
    RELEASE_RQ,
    VERIFICATION,
    associate_rq,
    c_echo_rq,
    p_data,
    pdv,
)
from tests.scp.raw_peer import RawPeer, data_pdus, data_set_of, store_command
from tests.support.certificates import Certificate, make_authority, make_certificate
from tests.support.ct_series import write_ct_series
from tests.support.pynetdicom_peer import statuses
from tests.support.samples import sample
from tests.support.scp_process import ScpProcess, running_scp
from tests.support.waiting import wait_until

ECHO = p_data(pdv(c_echo_rq(), context=3, control=COMMAND | LAST))
CT_SMALL = sample("CT_small.dcm")
ARTIM_SECONDS = 2


@dataclass(frozen=True)
class Certificates:
    authority: Certificate
    server: Certificate
    renewed: Certificate
    client: Certificate
    stranger: Certificate  # of another authority

    @property
    def settings(self) -> dict[str, object]:
        return {
            "SCP_TLS_PORT": 0,
            "SCP_TLS_CERTIFICATE": self.server.certificate,
            "SCP_TLS_KEY": self.server.key,
        }


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("certificates")
    authority, other = make_authority(folder, "authority"), make_authority(folder, "other")
    return Certificates(
        authority,
        *(make_certificate(folder, name, authority=authority) for name in ("server", "renewed", "client")),
        make_certificate(folder, "stranger", authority=other),
    )


@pytest.fixture(scope="module")
def scp(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[ScpProcess]:
    settings = {"SCP_DURABILITY": "process", "STORE_RESERVE_BYTES": 0}
    with running_scp(tmp_path_factory.mktemp("scp"), settings | certificates.settings) as process:
        yield process


def trusting(certificates: Certificates, own: Certificate | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=certificates.authority.certificate)
    if own is not None:
        context.load_cert_chain(own.certificate, own.key)
    return context


def connect(scp: ScpProcess, context: ssl.SSLContext) -> ssl.SSLSocket:
    plain = scp.connect(scp.tls_port)
    try:
        return context.wrap_socket(plain, server_hostname=scp.host)
    except BaseException:
        plain.close()
        raise


def echoes(scp: ScpProcess, context: ssl.SSLContext) -> bool:
    with RawPeer(scp, connect(scp, context)).associate() as peer:
        peer.send(ECHO)
        status = peer.status()
        peer.send(RELEASE_RQ)
        return status == (0, "") and peer.read() == (6, bytes(4))


@pytest.mark.parametrize("trust", ["anybody", "the authority"])
def test_what_dcmtk_sends_is_kept_bit_for_bit(scp, certificates, tmp_path, trust):
    [path] = write_ct_series(tmp_path, instances=1, patient_id="TLS", rows=512)
    options = ["-ic"] if trust == "anybody" else ["+cf", certificates.authority.certificate]
    subprocess.run(["storescu", "+tla", *options, scp.host, str(scp.tls_port), path], check=True, timeout=300)
    assert archived(scp, path) == data_set_of(path)


@pytest.mark.parametrize(
    ("profile", "is_served"), [("+py", True), ("+px", True), ("+pz", True), ("+pa", False), ("+pn", False)]
)
def test_dcmtk_is_served_by_each_bcp_195_profile_and_by_no_retired_one(
    scp, certificates, tmp_path, profile, is_served
):
    path = fresh_copy("CT_small.dcm", tmp_path)
    trust = ["+cf", certificates.authority.certificate]
    done = subprocess.run(
        ["storescu", "+tla", *trust, profile, scp.host, str(scp.tls_port), path], check=False, timeout=300
    )
    assert (done.returncode == 0) is is_served
    assert archived(scp, path) == (data_set_of(path) if is_served else None)


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_what_pynetdicom_sends_is_kept_bit_for_bit(scp, certificates, tmp_path, version):
    paths = write_ct_series(tmp_path, instances=3, patient_id="TLS", rows=1024)
    context = trusting(certificates)
    context.maximum_version = ssl.TLSVersion[version]
    entity = AE()
    entity.add_requested_context("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1")
    sends = [partial(Association.send_c_store, dataset=path) for path in paths]
    found = statuses(entity, scp.host, scp.tls_port, sends, tls_args=(context, scp.host))[1]
    assert found == [0, 0, 0]
    for path in paths:
        assert archived(scp, path) == data_set_of(path)
    assert re.search(rf"contexts_proposed=1 .*tls={version.replace('_', '.')}", scp.log())


def test_more_than_the_buffer_holds_in_one_go_is_kept(scp, certificates, tmp_path):
    [path] = write_ct_series(tmp_path, instances=1, patient_id="TLS", rows=2048)
    with RawPeer(scp, connect(scp, trusting(certificates))).associate_for(path) as peer:
        peer.send(store_command(path) + b"".join(data_pdus(data_set_of(path), size=100_000)))
        assert peer.status() == (0, "")
    assert archived(scp, path) == data_set_of(path)


def test_bytes_that_come_one_in_a_record_are_put_together(scp, certificates):
    with RawPeer(scp, connect(scp, trusting(certificates))).associate() as peer:
        for byte in ECHO:
            peer.send(bytes((byte,)))
        assert peer.status() == (0, "")


def test_pynetdicom_echoes_and_stores_beside_a_query_service_that_is_rejected(scp, certificates, tmp_path):
    paths = write_ct_series(tmp_path, instances=2, patient_id="TLS", rows=1024)
    entity = AE()
    entity.add_requested_context(STUDY_ROOT_FIND)
    entity.add_requested_context(CT, EXPLICIT)
    entity.add_requested_context(VERIFICATION)
    sends = [Association.send_c_echo, *(partial(Association.send_c_store, dataset=path) for path in paths)]
    tls = trusting(certificates), scp.host
    association, found = statuses(entity, scp.host, scp.tls_port, sends, tls_args=tls)
    assert [context.abstract_syntax for context in association.rejected_contexts] == [STUDY_ROOT_FIND]
    assert found == [0, 0, 0]
    for path in paths:
        assert archived(scp, path) == data_set_of(path)


def test_what_was_sent_behind_the_request_is_served_by_the_general_lane(scp, certificates, tmp_path):
    path = fresh_copy("CT_small.dcm", tmp_path)
    store = store_command(path) + b"".join(data_pdus(data_set_of(path)))
    with RawPeer(scp, connect(scp, trusting(certificates))) as peer:
        peer.send(request("general") + ECHO + store + ECHO + RELEASE_RQ)
        assert peer.read()[0] == 2
        assert [peer.status() for _ in range(3)] == [(0, "")] * 3
        assert peer.read() == (6, bytes(4))
        peer.socket.unwrap().close()
    line = scp.end_of(peer.address)
    assert "outcome=released" in line
    assert "instances=1" in line
    assert "tls=TLSv1.3" in line
    assert archived(scp, path) == data_set_of(path)


def test_who_releases_and_closes_at_once_has_not_to_be_waited_for(scp, certificates):
    with RawPeer(scp, connect(scp, trusting(certificates))).associate() as peer:
        peer.send(RELEASE_RQ)
        assert peer.read() == (6, bytes(4))
        peer.socket.unwrap().close()
    assert "outcome=released" in scp.end_of(peer.address)


def test_dicom_without_tls_on_the_tls_port_ends_with_one_line(scp):
    with scp.connect(scp.tls_port) as plain:
        address = plain.getsockname()
        plain.sendall(associate_rq())
        assert RawPeer(scp, plain).read() != (2, b"")
    line = scp.end_of(address)
    assert "outcome=lost" in line
    assert "reason='TLS: wrong version number'" in line


def test_tls_on_the_port_without_ends_with_one_line(scp, certificates):
    with scp.connect() as plain:
        address = plain.getsockname()
        with pytest.raises(ssl.SSLError):
            trusting(certificates).wrap_socket(plain, server_hostname=scp.host)
    assert "outcome='protocol error'" in scp.end_of(address)


@pytest.mark.parametrize("sent", [b"", bytes.fromhex("1603010200010001fc0303")])
def test_a_handshake_that_does_not_go_on_is_ended_by_artim(start_scp, certificates, sent):
    scp = start_scp(**certificates.settings, SCP_ARTIM_SECONDS=ARTIM_SECONDS)
    began_at = time.monotonic()
    with scp.connect(scp.tls_port) as plain:
        address = plain.getsockname()
        plain.sendall(sent)
        assert echoes(scp, trusting(certificates))  # nobody waits for it
        assert plain.recv(1) == b""
    assert time.monotonic() - began_at >= ARTIM_SECONDS
    assert "outcome='timed out'" in scp.end_of(address)


def test_garbage_on_the_tls_port_costs_its_sender_the_connection_and_nobody_else_anything(scp, certificates):
    random = Random(1)
    hello = bytes.fromhex("1603010200010001fc0303")
    workers = set(scp.children("worker"))
    for _ in range(200):
        garbage = random.choice((b"", hello)) + random.randbytes(random.randrange(1, 600))
        with scp.connect(scp.tls_port) as plain:
            _send_and_wait_for_the_end(plain, garbage)
    assert workers <= set(scp.children("worker"))
    assert echoes(scp, trusting(certificates))
    assert "association_failed" not in scp.log()


def test_no_damaged_stream_leaves_a_trace_behind_a_handshake(certificates):
    context = trusting(certificates)
    figures = fuzz_supervisor(
        streams=300, seed=1, settings=certificates.settings, connect=lambda scp: connect(scp, context)
    )
    assert figures.outcomes["released"] > 20
    assert figures.outcomes["protocol error"] > 40


def _send_and_wait_for_the_end(plain: socket.socket, garbage: bytes) -> None:
    try:
        plain.sendall(garbage)
        plain.shutdown(socket.SHUT_WR)
        while plain.recv(4096):
            pass
    except TimeoutError:
        raise
    except OSError:
        pass  # refused before all of it was sent


def test_an_offer_outside_of_the_profile_is_refused(scp, certificates):
    context = trusting(certificates)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES256-SHA")  # CBC
    with pytest.raises(ssl.SSLError):
        connect(scp, context)


def test_a_record_that_was_tampered_with_ends_the_association(scp, certificates):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    peer = trusting(certificates).wrap_bio(incoming, outgoing, server_hostname=scp.host)
    with scp.connect(scp.tls_port) as plain:
        address = plain.getsockname()
        while True:
            try:
                peer.do_handshake()
                break
            except ssl.SSLWantReadError:
                plain.sendall(outgoing.read())
                incoming.write(plain.recv(16384))
        peer.write(associate_rq())
        record = bytearray(outgoing.read())
        record[-1] ^= 1
        plain.sendall(record)
        line = scp.end_of(address)
    assert "outcome=lost" in line
    assert "reason='TLS: " in line


def test_clients_need_a_certificate_of_the_authority_where_one_is_set(start_scp, certificates):
    scp = start_scp(**certificates.settings, SCP_TLS_CLIENT_CA=certificates.authority.certificate)
    command = ["storescu", "+cf", certificates.authority.certificate]
    address = [scp.host, str(scp.tls_port), CT_SMALL]

    def dcmtk_sends(*options: object) -> bool:
        return (
            subprocess.run([*command, *options, *address], capture_output=True, check=False).returncode == 0
        )

    stranger, client = certificates.stranger, certificates.client
    assert not dcmtk_sends("+tla")
    assert not dcmtk_sends("+tls", stranger.key, stranger.certificate)
    assert scp.archived() == []
    for reason in (
        "peer did not return a certificate",
        "certificate: unable to get local issuer certificate",
    ):
        wait_until(lambda reason=reason: f"TLS: {reason}" in scp.log(), what="the reason is logged")
    assert dcmtk_sends("+tls", client.key, client.certificate)
    assert len(scp.archived()) == 1
    assert echoes(scp, trusting(certificates, client))


def test_hup_takes_up_a_new_certificate_and_refuses_a_bad_one(start_scp, certificates, tmp_path):
    pem, settings = tmp_path / "server.pem", tmp_path / "settings"

    def install(certificate: Certificate) -> None:
        pem.write_bytes(certificate.key.read_bytes() + certificate.certificate.read_bytes())

    def served() -> bytes:
        with connect(scp, trusting(certificates)) as peer:
            return peer.getpeercert(binary_form=True)

    def der(certificate: Certificate) -> bytes:
        return ssl.PEM_cert_to_DER_cert(certificate.certificate.read_text())

    def is_renewed() -> bool:
        return served() == der(certificates.renewed)

    install(certificates.server)
    settings.write_text(f"SCP_TLS_PORT=0\nSCP_TLS_CERTIFICATE={pem}\n")
    scp = start_scp(DICOMHUB_SETTINGS_FILE=settings)
    assert served() == der(certificates.server)
    with RawPeer(scp, connect(scp, trusting(certificates))).associate() as peer:
        install(certificates.renewed)
        scp.signal(signal.SIGHUP)
        # One after the other; until it is replaced a child goes by what it was born with.
        wait_until(is_renewed, what="the new one is served")
        pem.write_text("no certificate")
        scp.signal(signal.SIGHUP)
        wait_until(lambda: "reload_refused" in scp.log(), what="the bad one is refused")
        wait_until(is_renewed, what="the new one is served")
        settings.write_text("")
        scp.signal(signal.SIGHUP)
        wait_until(lambda: "address_kept" in scp.log(), what="the port stays")
        wait_until(is_renewed, what="the new one is served")
        peer.send(ECHO)
        assert peer.status() == (0, "")


def test_when_all_are_busy_both_ports_refuse(start_scp, certificates):
    pool = {"SCP_MIN_SPARE_CHILDREN": 1, "SCP_MAX_SPARE_CHILDREN": 1, "SCP_MAX_CHILDREN": 2}
    scp = start_scp(**pool, **certificates.settings)
    context = trusting(certificates)

    def answer(connection: socket.socket) -> tuple[int, bytes] | None:
        with RawPeer(scp, connection) as peer:
            peer.send(associate_rq())
            return peer.read()

    rejected = (3, b"\0\2\3\2")
    with RawPeer(scp).associate() as first, RawPeer(scp, connect(scp, context)).associate():
        wait_until(lambda: answer(scp.connect()) == rejected, what="the pool is saturated")
        assert answer(connect(scp, context)) == rejected
        first.send(RELEASE_RQ)
        assert first.read() == (6, bytes(4))
    wait_until(lambda: answer(connect(scp, context))[0] == 2, what="somebody is free")


def test_a_certificate_that_cannot_be_used_is_one_line(tmp_path, certificates):
    with (
        pytest.raises(AssertionError) as ended,
        running_scp(tmp_path, {**certificates.settings, "SCP_TLS_KEY": certificates.client.key}),
    ):
        pass
    [line] = str(ended.value).splitlines()
    assert line.endswith(f"SCP_TLS_KEY={certificates.client.key}: key values mismatch")


def test_a_tls_port_in_use_is_one_line_that_names_the_setting(tmp_path, certificates):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = {**certificates.settings, "SCP_TLS_PORT": taken.getsockname()[1]}
        with (
            pytest.raises(AssertionError, match=r"Another port: SCP_TLS_PORT=<port>\."),
            running_scp(tmp_path, settings),
        ):
            pass


def test_echoscu_verifies_through_tls(scp, certificates):
    command = ["echoscu", "+tla", "+cf", certificates.authority.certificate, scp.host, str(scp.tls_port)]
    assert subprocess.run(command, check=False, timeout=300).returncode == 0


@pytest.mark.parametrize("name", ["SCP_TLS_KEY", "SCP_TLS_CLIENT_CA"])
def test_settings_for_tls_without_a_certificate_are_told(name):
    with pytest.raises(EnvironmentInvalid, match=f"{name} is set and SCP_TLS_CERTIFICATE is not"):
        read_environment({name: "file.pem"})
    assert read_environment({}).scp.tls is None
