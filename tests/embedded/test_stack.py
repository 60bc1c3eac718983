"""A whole run: what it starts, how it heals, how it ends."""

import os
import re
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode

import pytest
import redis

from tests.support.stack import LiveStack, live_stack, processes_of
from tests.support.waiting import wait_until


@pytest.fixture
def own_stack(home: Path) -> Iterator[LiveStack]:
    with live_stack(home, SCP_DRAIN_SECONDS="600") as stack:
        yield stack


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=300) as response:
            return response.status == 200
    except OSError:
        return False


def echo(stack: LiveStack) -> bool:
    addresses = stack.addresses
    command = ("echoscu", "-aec", addresses.called_ae_title, addresses.scp_host, str(addresses.scp_port))
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def password_in(log: str) -> str:
    found = re.search(r"as admin with the password (\S+)", log)
    assert found is not None
    return found[1]


def log_in(stack: LiveStack, username: str, password: str) -> str:
    """The page that a browser sees behind the log-in form."""
    url = f"{stack.addresses.web_url}/admin/login/?next=/admin/"
    cookies = CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))
    browser.open(url).read()
    token = next(cookie.value for cookie in cookies if cookie.name == "csrftoken")
    form = {"csrfmiddlewaretoken": token, "username": username, "password": password}
    with browser.open(url, urlencode(form).encode()) as page:
        return page.url


def test_when_it_says_ready_everything_answers(stack: LiveStack) -> None:
    addresses = stack.addresses
    wait_until(lambda: answers(f"{addresses.web_url}/readyz"), what="all parts are in time")
    assert answers(f"{addresses.flower_url}/healthcheck")
    assert echo(stack)


def test_addresses_and_lines_to_copy_are_printed(stack: LiveStack) -> None:
    addresses, log = stack.addresses, stack.log()
    for text in (
        f"{addresses.scp_host} port {addresses.scp_port}, AE title DICOMHUB",
        f"{addresses.web_url}/dicom-web/",
        f"{addresses.web_url}/admin/",
        f"{addresses.flower_url}/",
        f"storescu -aec DICOMHUB +sd +r {addresses.scp_host} {addresses.scp_port} FOLDER",
        f"curl '{addresses.web_url}/dicom-web/studies'",
    ):
        assert text in log


def test_every_line_of_the_log_names_its_process_and_has_no_colour(stack: LiveStack) -> None:
    before_the_table = stack.log().partition("dicomhub is ready")[0]
    names = {line.partition(" | ")[0].strip() for line in before_the_table.splitlines()}
    assert names <= {"launcher", "redis", "prepare", "scp", "web", "index", "background", "beat", "flower"}
    assert "\x1b" not in stack.log()


def test_the_printed_password_logs_in_and_is_in_no_line_of_the_log(stack: LiveStack) -> None:
    password = password_in(stack.log())
    assert log_in(stack, "admin", password).endswith("/admin/")
    assert not any(password in line for line in stack.log().splitlines() if " | " in line)


def test_a_password_that_was_not_printed_does_not_log_in(stack: LiveStack) -> None:
    assert "login" in log_in(stack, "admin", "admin")


def test_the_broker_is_found_by_its_file_takes_no_strangers_and_keeps_all(stack: LiveStack) -> None:
    url = (stack.home / "run" / "redis.url").read_text().strip()
    assert url == stack.addresses.redis_url
    with redis.Redis.from_url(url) as broker:
        settings = broker.config_get("*")
    assert settings["appendonly"] == "yes"
    assert settings["appendfsync"] == "everysec"
    assert settings["maxmemory-policy"] == "noeviction"
    assert settings["bind"] == "127.0.0.1"
    stranger = redis.Redis.from_url(re.sub(":[^:@]*@", "", url))
    with stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()


def test_a_killed_redis_comes_back_on_its_port_with_what_it_held(stack: LiveStack) -> None:
    with redis.Redis.from_url(stack.addresses.redis_url) as broker:
        broker.set("test:kept", "yes")
    stack.kill_and_await_successor("redis")
    with redis.Redis.from_url(stack.addresses.redis_url) as broker:

        def kept() -> object:
            try:
                return broker.get("test:kept")
            except redis.ConnectionError:
                return None

        assert wait_until(kept, what="Redis answers again") == b"yes"


@pytest.mark.parametrize("name", ["index", "background", "beat"])
def test_a_killed_worker_comes_back_and_leaves_no_child(stack: LiveStack, name: str) -> None:
    killed = stack.pid(name)
    stack.kill_and_await_successor(name)
    wait_until(lambda: not group_members(killed), what="nothing of it is left")


def test_a_killed_scp_comes_back_on_its_port_without_its_old_children(stack: LiveStack) -> None:
    killed = stack.pid("scp")
    stack.kill_and_await_successor("scp")
    wait_until(lambda: echo(stack), what="the SCP answers again")
    wait_until(lambda: not group_members(killed), what="nothing of it is left")


def test_a_killed_web_server_comes_back_on_its_port(stack: LiveStack) -> None:
    killed = stack.pid("web")
    stack.kill_and_await_successor("web")
    wait_until(lambda: answers(f"{stack.addresses.web_url}/readyz"), what="the web answers again")
    wait_until(lambda: not group_members(killed), what="nothing of it is left")


def test_a_killed_flower_comes_back_on_its_port(stack: LiveStack) -> None:
    stack.kill_and_await_successor("flower")
    wait_until(lambda: answers(f"{stack.addresses.flower_url}/healthcheck"), what="Flower answers again")


def test_a_death_is_one_line_of_the_log_with_its_reason(stack: LiveStack) -> None:
    stack.kill_and_await_successor("beat", signal_number=signal.SIGKILL)
    line = next(line for line in stack.log().splitlines() if "process_died" in line and "=beat" in line)
    assert "SIGKILL" in line


def test_a_second_ctrl_c_does_not_wait_for_an_open_association(own_stack: LiveStack) -> None:
    from pynetdicom import AE

    entity = AE()
    entity.add_requested_context("1.2.840.10008.1.1")
    entity.network_timeout = None
    addresses = own_stack.addresses
    association = entity.associate(addresses.scp_host, addresses.scp_port, ae_title=addresses.called_ae_title)
    assert association.is_established
    os.kill(own_stack.launcher, signal.SIGINT)
    wait_until(lambda: "Ctrl-C again" in own_stack.log(), what="the launcher says that it stops")
    os.kill(own_stack.launcher, signal.SIGINT)
    assert own_stack.wait(300) == 0
    assert processes_of(own_stack.home) == set()
    association.abort()


def test_a_killed_launcher_leaves_no_process_and_its_home_can_be_started_again(home: Path) -> None:
    with live_stack(home) as first:
        password = password_in(first.log())
        assert set(first.state.processes.values()) <= processes_of(home)
        os.kill(first.launcher, signal.SIGKILL)
        wait_until(lambda: not processes_of(home), what="all processes end")
    with live_stack(home) as second:
        announced = second.log().split("dicomhub is ready")[-1]
        assert "with the password" not in announced
        assert "manage.py changepassword admin" in announced
        assert log_in(second, "admin", password).endswith("/admin/")
        os.kill(second.launcher, signal.SIGINT)
        assert second.wait(300) == 0
        assert_stopped_in_order(second)


def assert_stopped_in_order(stack: LiveStack) -> None:
    assert processes_of(stack.home) == set()
    assert not (stack.home / "run" / "redis.url").exists()
    assert not (stack.home / "run" / "stack.json").exists()
    ended = re.findall(r"process_stopped .*program=(\w+)", stack.log())
    assert ended[0] == "scp"
    assert set(ended[1:4]) == {"web", "beat", "flower"}
    assert set(ended[4:6]) == {"index", "background"}
    assert ended[6:] == ["redis"]
    assert "process_killed" not in stack.log()


def group_members(group: int) -> set[int]:
    """The living processes of a process group; zombies wait for init and do nothing."""
    members = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            state, _, process_group = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(process_group) == group and state != "Z":
            members.add(int(entry.name))
    return members
