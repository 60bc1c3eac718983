"""kill -9 of the process that has the pool, in each state: the kernel ends the codec processes with it."""

import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from dicomhub.environment import read_environment
from tasks.transcode.pool import CodecPool
from tests.support.waiting import wait_until
from tests.transcode.misbehaving import Do, Done

_MARK = "DICOMHUB_TEST_MARK"


def a_parent(state, folder):
    """Come to the state, say so, and wait to be killed."""
    settings = replace(read_environment({}).codec, processes=2, seconds=600.0)
    pool = CodecPool(settings, work="tests.transcode.misbehaving")
    if state == "starting":
        pool._start()
        (folder / "starting").touch()
    else:
        pool.run(Do("answer"), Done)
    if state not in {"starting", "idle"}:
        for name in ("one", "two"):
            order = Do(state, path=str(folder / name))
            # The thread that a codec process was started for must not matter.
            threading.Thread(target=pool.run, args=(order, Done), daemon=True).start()
    threading.Event().wait()


def marked(mark):
    """Living processes with this mark in their environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


@pytest.mark.parametrize(
    ("state", "files", "processes"),
    [
        ("starting", ["starting"], 2),
        ("idle", [], 3),
        ("say_and_hang", ["one", "two"], 4),
        # The pool takes a codec process that has hung up for a dead one and ends it, so only these are sure to be there.
        ("say_and_close_everything", ["one", "two"], 2),
    ],
)
def test_nothing_outlives_its_parent(tmp_path, state, files, processes):
    mark = uuid4().hex
    parent = subprocess.Popen(
        [sys.executable, "-m", "tests.transcode.test_parent_killed", state, tmp_path],
        env=os.environ | {_MARK: mark},
    )
    try:
        wait_until(
            lambda: len(marked(mark)) >= processes and all((tmp_path / name).exists() for name in files),
            what="it has come to the state",
            seconds=60,
        )
    finally:
        parent.kill()
        parent.wait()
    wait_until(lambda: not marked(mark), what="all are gone")


if __name__ == "__main__":
    a_parent(sys.argv[1], Path(sys.argv[2]))
