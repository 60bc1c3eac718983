"""Loads into the double, which fails in every way that it knows."""

import logging
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.warehouse import stream_load
from tasks.warehouse.doris import DorisWarehouse
from tasks.warehouse.doris_address import FrontEnd, read_doris_address
from tasks.warehouse.port import LoadOutcome, LoadStatus
from tasks.warehouse.stream_load import StreamLoad
from tasks.warehouse.tables import ACCESS_LOG, IMAGE_META
from tests.support.certificates import make_authority, make_certificate
from tests.support.doris.cluster import PASSWORD, DorisDouble, running_doris
from tests.support.doris.faults import Fault
from tests.support.doris.tls import server_context
from tests.support.waiting import wait_until
from tests.warehouse.doris.conftest import warehouse_at
from tests.warehouse.making import access_row, image_row, ndjson

ROWS = ndjson(access_row(number) for number in range(10))
FIRST_ANSWER = {
    Fault.FRONTEND_CLOSES: LoadStatus.LOADED,  # by the other front end
    Fault.FRONTEND_BAD_GATEWAY: LoadStatus.LOADED,
    Fault.FRONTEND_GARBAGE: LoadStatus.LOADED,
    Fault.FRONTEND_NO_BACKEND: LoadStatus.LOADED,
    Fault.EARLY_TOO_MANY_VERSIONS: LoadStatus.BUSY,
    Fault.EARLY_UNAVAILABLE: LoadStatus.UNKNOWN,
    Fault.EARLY_CLOSE: LoadStatus.UNKNOWN,
    Fault.CLOSED_IN_BODY: LoadStatus.UNKNOWN,
    Fault.TOO_MANY_VERSIONS: LoadStatus.BUSY,
    Fault.OUT_OF_MEMORY: LoadStatus.BUSY,
    Fault.PUBLISH_TIMEOUT: LoadStatus.LOADED,
    Fault.COMMITTED_NO_ANSWER: LoadStatus.UNKNOWN,
    Fault.COMMITTED_TRUNCATED_ANSWER: LoadStatus.UNKNOWN,
    Fault.COMMITTED_GARBAGE: LoadStatus.UNKNOWN,
    Fault.COMMITTED_BAD_GATEWAY: LoadStatus.UNKNOWN,
    Fault.COMMITTED_SAYS_FAIL: LoadStatus.BUSY,
    Fault.IN_FLIGHT: LoadStatus.UNKNOWN,
}


def load(warehouse: DorisWarehouse, label: str = "label", rows: bytes = ROWS) -> LoadOutcome:
    return warehouse.load(ACCESS_LOG, label, rows)


def test_the_same_label_again_ends_every_fault_with_every_row_once(
    doris: DorisDouble, warehouse: DorisWarehouse
) -> None:
    assert FIRST_ANSWER.keys() == set(Fault)
    for number, (fault, expected) in enumerate(FIRST_ANSWER.items(), start=1):
        rows = ndjson(access_row(number * 100 + index) for index in range(10))
        doris.faults.script(fault)
        first = load(warehouse, fault.name, rows)
        assert first.status is expected, fault
        wait_until(lambda: load(warehouse, fault.name, rows).is_in, what=f"in after {fault}")  # noqa: B023
        wait_until(lambda: doris.rows("wado_access_log") == 10 * number, what=f"seen after {fault}")  # noqa: B023
        assert doris.transactions.committed == number


def test_a_load_in_flight_is_unknown_until_it_is_there(doris: DorisDouble, warehouse: DorisWarehouse) -> None:
    doris.faults.script(Fault.IN_FLIGHT)
    assert load(warehouse).status is LoadStatus.UNKNOWN
    again = load(warehouse)
    assert again.status in {LoadStatus.UNKNOWN, LoadStatus.ALREADY_THERE}
    wait_until(lambda: load(warehouse).status is LoadStatus.ALREADY_THERE, what="it is there")


def test_an_early_answer_keeps_much_from_being_sent(doris: DorisDouble) -> None:
    much = ROWS + b"\n" * 32_000_000
    warehouse = warehouse_at(doris.url(gzip="off"))
    assert load(warehouse).status is LoadStatus.LOADED
    assert load(warehouse, "label", much).status is LoadStatus.ALREADY_THERE
    assert doris.answered_in_vain == 0


def test_a_key_keeps_rows_single_after_doris_has_forgotten_the_label(
    doris: DorisDouble, warehouse: DorisWarehouse
) -> None:
    load(warehouse)
    doris.transactions.forget_labels()
    assert load(warehouse).status is LoadStatus.LOADED
    assert doris.rows("wado_access_log") == 10


def test_every_header_goes_to_both_ends_and_the_rows_only_to_the_second(
    doris: DorisDouble, warehouse: DorisWarehouse
) -> None:
    load(warehouse)
    (front,), (back,) = doris.frontend_requests, doris.backend_requests
    for request in (front, back):
        assert request["label"] == "label"
        assert request["Expect"] == "100-continue"
        assert request["Authorization"].startswith("Basic ")
        assert request["strict_mode"] == "true"
        assert request["max_filter_ratio"] == "0"
        assert request["timezone"] == "UTC"
    assert front["Content-Length"] == "0"
    assert int(back["Content-Length"]) > 100


def test_rows_go_compressed_unless_told_otherwise(doris: DorisDouble) -> None:
    for compresses, label in ((True, "compressed"), (False, "as-they-are")):
        setting = "on" if compresses else "off"
        assert load(warehouse_at(doris.url(gzip=setting)), label).status is LoadStatus.LOADED
        sent = doris.backend_requests[-1]
        assert ("compress_type" in sent) == compresses
        assert (int(sent["Content-Length"]) < len(ROWS) // 2) == compresses
    assert doris.rows("wado_access_log") == 10


def test_the_next_front_end_is_asked_and_remembered(doris: DorisDouble, warehouse: DorisWarehouse) -> None:
    doris.frontends[0].stop()
    assert load(warehouse, "a").is_in
    assert load(warehouse, "b").is_in
    doris.frontends[1].stop()
    nobody = load(warehouse, "c")
    assert nobody.status is LoadStatus.BUSY
    assert "does not answer" in nobody.detail


def test_a_dead_back_end_has_got_nothing(doris: DorisDouble, warehouse: DorisWarehouse) -> None:
    doris.backend.stop()
    assert load(warehouse).status is LoadStatus.BUSY


@pytest.fixture
def silent_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_silence_has_a_limit(doris: DorisDouble, silent_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_load, "FRONTEND_SECONDS", 0.1)
    monkeypatch.setattr(stream_load, "GRACE_SECONDS", 0.1)
    address = read_doris_address(doris.url(timeout=1))
    silent = replace(address, frontends=(FrontEnd("127.0.0.1", silent_port),))
    assert StreamLoad(silent).load("wado_access_log", "a", ROWS).status is LoadStatus.BUSY
    doris.backend.port = silent_port
    assert StreamLoad(address).load("wado_access_log", "b", ROWS).status is LoadStatus.UNKNOWN


@pytest.mark.parametrize("status", [200, 401])
def test_a_wrong_password_needs_a_person(doris: DorisDouble, status: int) -> None:
    doris.unauthorized_status = status
    assert load(warehouse_at(doris.url(password="wrong"))).status is LoadStatus.MISCONFIGURED


def test_an_unknown_table_needs_a_person(doris: DorisDouble) -> None:
    address = read_doris_address(doris.url())
    assert StreamLoad(address).load("no_such_table", "label", ROWS).status is LoadStatus.MISCONFIGURED
    elsewhere = replace(address, database="elsewhere")
    assert StreamLoad(elsewhere).load("wado_access_log", "label", ROWS).status is LoadStatus.MISCONFIGURED


def test_the_reason_for_bad_rows_is_fetched_and_quotes_no_patient(warehouse: DorisWarehouse) -> None:
    bad = image_row(1, 1, 1, patient_id="Doe^John", tenant=None)
    outcome = warehouse.load(IMAGE_META, "label", ndjson([bad]))
    assert outcome.status is LoadStatus.REJECTED
    assert "column_name[tenant], null value for not null column" in outcome.detail
    assert "Doe" not in outcome.detail


def test_no_secret_is_logged_or_told(doris: DorisDouble, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    told = [repr(read_doris_address(doris.url()))]
    for url in (doris.url(), doris.url(password="wr0ng")):
        for fault in (None, *Fault):
            doris.faults.script(fault)
            told.append(repr(load(warehouse_at(url), f"label-{len(told)}")))
    everything = "\n".join([caplog.text, *told])
    assert "PUT /api/dicomhub" in caplog.text
    for secret in (PASSWORD, "p%40ss", "wr0ng", "Basic "):
        assert secret not in everything


def test_tls_is_trusted_or_refused(tmp_path: Path) -> None:
    authority = make_authority(tmp_path, "authority")
    context = server_context(make_certificate(tmp_path, "doris", authority=authority))
    with running_doris(tls=context) as doris:
        trusting = warehouse_at(doris.url(ca=authority.certificate))
        trusting.initialise()
        assert load(trusting).is_in
        assert trusting.status()[4].rows == 10
        stranger = load(warehouse_at(doris.url()))
        assert stranger.status is LoadStatus.MISCONFIGURED
        assert "certificate" in stranger.detail
        trusting.close()


def test_rows_go_without_tls_only_where_that_is_said(tmp_path: Path) -> None:
    authority = make_authority(tmp_path, "authority")
    context = server_context(make_certificate(tmp_path, "doris", authority=authority))
    with running_doris(tls=context, backend_tls=False) as doris:
        lax = warehouse_at(doris.url(ca=authority.certificate))
        lax.initialise()
        assert load(lax, "lax").is_in
        lax.close()
        seen = len(doris.backend_requests)
        strict = load(warehouse_at(doris.url(ca=authority.certificate, tls="on")), "strict")
        assert strict.status is LoadStatus.MISCONFIGURED
        assert "without TLS" in strict.detail
        assert len(doris.backend_requests) == seen
