import pytest

from dicomhub.environment import EnvironmentInvalid, read_environment


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.10", "::", "pacs.example", "*", "localhost.example"])
def test_an_address_that_others_can_reach_is_refused(host):
    with pytest.raises(EnvironmentInvalid, match="WEB_OPEN=on"):
        read_environment({"WEB_HOST": host})
    for leave in ("WEB_OPEN", "WEB_AUTH"):
        assert read_environment({"WEB_HOST": host, leave: "on"}).web.host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "[::1]", "localhost"])
def test_loopback_needs_no_leave(host):
    assert not read_environment({"WEB_HOST": host}).web.is_open
