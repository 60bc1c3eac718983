import pytest
from django.test import RequestFactory

from dicomhub.dicomweb.http.address import public_address


@pytest.mark.parametrize(
    ("host", "server_port", "headers", "expected"),
    [
        ("localhost", "80", {}, "http://localhost"),
        ("localhost:8000", "8000", {}, "http://localhost:8000"),
        ("localhost", "8000", {}, "http://localhost:8000"),
        ("[::1]", "8000", {}, "http://[::1]:8000"),
        ("[::1]:9000", "8000", {}, "http://[::1]:9000"),
        ("localhost", "8000", {"X-Forwarded-For": "10.1.2.3"}, "http://localhost"),
    ],
)
def test_the_address_is_the_one_that_the_client_has_used(settings, host, server_port, headers, expected):
    settings.ALLOWED_HOSTS = ["localhost", "[::1]"]
    request = RequestFactory().get("/", headers={"host": host, **headers}, SERVER_PORT=server_port)
    assert public_address(request, configured=None) == expected


def test_a_configured_address_is_used_whatever_the_request_says():
    request = RequestFactory().get("/", headers={"host": "10.0.0.5:8000"})
    assert public_address(request, configured="https://pacs.example/") == "https://pacs.example"
