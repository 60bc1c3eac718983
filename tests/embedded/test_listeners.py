import socket

import pytest

from dicomhub.embedded.listeners import PortUnavailable, Reservation


def reserve(port: int = 0, host: str = "127.0.0.1") -> Reservation:
    return Reservation.make("WEB_PORT", host=host, port=port)


def test_port_0_is_a_free_port_that_a_server_can_then_listen_on() -> None:
    reservation = reserve()
    with (
        socket.create_server((reservation.host, reservation.port)),
        socket.create_connection(("127.0.0.1", reservation.port)),
    ):
        reservation.close()


def test_a_reserved_port_is_given_to_nobody_who_asks_for_any() -> None:
    reservations = [reserve() for _ in range(200)]
    assert len({reservation.port for reservation in reservations}) == 200
    for reservation in reservations:
        reservation.close()


def test_a_port_that_is_listened_on_is_refused_by_the_name_of_its_setting() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(PortUnavailable, match="set WEB_PORT"),
    ):
        reserve(taken.getsockname()[1])


@pytest.mark.parametrize(
    ("host", "reachable"),
    [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("localhost", "localhost"), ("[::1]", "[::1]")],
)
def test_the_host_of_a_url_is_one_that_can_be_reached(host: str, reachable: str) -> None:
    reservation = reserve(host=host)
    assert reservation.reachable_host == reachable
    reservation.close()
