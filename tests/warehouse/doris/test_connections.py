"""Questions to Doris: from one front end to the next, and again after a break."""

import threading
from dataclasses import replace

import pytest

from tasks.warehouse.doris import DorisWarehouse
from tasks.warehouse.doris_address import DorisAddress, FrontEnd, read_doris_address
from tasks.warehouse.doris_connections import DorisConnections
from tasks.warehouse.port import WarehouseUnavailable
from tasks.warehouse.queries import QueryName
from tests.support.doris.cluster import PASSWORD, DorisDouble
from tests.warehouse.doris.conftest import warehouse_at

EVERYTHING = {"tenant": None}


@pytest.fixture
def address(doris: DorisDouble) -> DorisAddress:
    return read_doris_address(doris.url())


def test_the_next_front_end_answers_when_the_first_does_not(address: DorisAddress) -> None:
    nobody, there = FrontEnd("127.0.0.2", 8030), FrontEnd("127.0.0.1", 8030)
    connections = DorisConnections(replace(address, frontends=(nobody, there)))
    assert connections.execute("SELECT 1 AS one") == (("one",), [(1,)])
    connections.close()
    with pytest.raises(WarehouseUnavailable, match="no front end of Doris answers"):
        DorisConnections(replace(address, frontends=(nobody,))).execute("SELECT 1 AS one")


def test_a_connection_that_broke_while_idle_is_replaced(
    doris: DorisDouble, warehouse: DorisWarehouse
) -> None:
    warehouse.query(QueryName.ROWS, EVERYTHING)
    doris.mysql.break_connections()
    assert len(warehouse.query(QueryName.ROWS, EVERYTHING).rows) == 5


def test_connections_are_kept_and_shared_by_threads(doris: DorisDouble, warehouse: DorisWarehouse) -> None:
    failures: list[str] = []

    def ask() -> None:
        for _ in range(5):
            if len(warehouse.query(QueryName.ROWS, EVERYTHING).rows) != 5:
                failures.append("wrong")

    before = doris.mysql.connections
    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert doris.mysql.connections - before <= 4


def test_what_goes_wrong_is_one_sentence_without_a_secret(doris: DorisDouble) -> None:
    for url in (doris.url(password="wr0ng"), doris.url(user="nobody")):
        with pytest.raises(WarehouseUnavailable, match="refuses the user") as first:
            warehouse_at(url).query(QueryName.ROWS, EVERYTHING)
    connections = DorisConnections(read_doris_address(doris.url()))
    with pytest.raises(WarehouseUnavailable) as second:
        connections.execute("SELECT 'Doe^John' FROM nowhere.patients WHERE broken(")
    connections.close()
    for error in (first, second):
        text = str(error.value)
        assert "\n" not in text
        assert not any(secret in text for secret in ("Doe", "wr0ng", PASSWORD, "loader"))
        assert error.value.__cause__ is None
