"""Whatever breaks: what was answered 0000 is archived, searchable once, and nothing is doubled."""

import os
import signal
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

import pydicom

from dicomhub.storage.layout import JOURNAL
from tests.support.ct_series import write_ct_series
from tests.support.dicomweb import DicomWeb, value
from tests.support.incoming import being_written
from tests.support.receiving import data_set_of
from tests.support.redis_process import running_redis
from tests.support.sending import send
from tests.support.stack import live_stack
from tests.support.waiting import wait_until

INSTANCES = 400
AT_ONCE = 20  # instances an association


def uid_of(path: Path) -> str:
    return pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID


def archived_by_uid(home: Path) -> dict[str, Path]:
    return {path.stem: path for path in (home / "store" / "default").rglob("*.dcm")}


def check_everything_is_there_once(home: Path, web: DicomWeb, patient_id: str, paths: list[Path]) -> None:
    expected = Counter(uid_of(path) for path in paths)

    def described() -> Counter:
        return Counter(
            value(model, "00080018")
            for study in web.json("/studies", PatientID=patient_id)
            for model in web.json(f"/studies/{value(study, '0020000D')}/metadata")
        )

    wait_until(lambda: described() == expected, what="every instance is described once")
    wait_until(
        lambda: web.instances_found(PatientID=patient_id) == len(paths), what="every instance is counted"
    )
    assert len(web.json("/studies", PatientID=patient_id)) == 1
    archived = archived_by_uid(home)
    for path in paths:
        assert data_set_of(archived[uid_of(path)]) == data_set_of(path)
    journal = home / "store" / JOURNAL
    wait_until(lambda: list(journal.iterdir()) == [], what="the journal is settled")


def send_until_all_are_stored(stack, paths: list[Path], breaking: list[Callable[[], Future]]) -> list[Future]:
    """Send like a modality: what was not answered 0000 is sent again. In between, things break."""
    missing = list(paths)
    to_break = list(reversed(breaking))
    broken = []
    while missing:
        answers = send(stack.addresses.scp_port, missing[:AT_ONCE])
        stored = {answer.path for answer in answers if answer.is_success}
        missing = [path for path in missing if path not in stored]
        if to_break:
            broken.append(to_break.pop()())
    return broken


def kill_a_child(stack) -> None:
    """Kill the youngest process of the SCP below its supervisor; one that has just gone was not the one."""
    supervisor = stack.pid("scp")

    def is_killed() -> bool:
        children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
        with suppress(ProcessLookupError, IndexError):
            os.kill(int(children[-1]), signal.SIGKILL)
            return True
        return False

    wait_until(is_killed, what="there is a child to kill")


def test_killing_a_child_the_worker_and_redis_loses_and_doubles_nothing(stack, web, tmp_path):
    paths = write_ct_series(tmp_path / "ct", instances=INSTANCES, patient_id="KILLED")
    kills = [
        lambda: kill_a_child(stack),
        lambda: stack.kill_and_await_successor("index"),
        lambda: stack.kill_and_await_successor("redis"),
        lambda: kill_a_child(stack),
        lambda: stack.kill_and_await_successor("background"),
        lambda: stack.kill_and_await_successor("index"),
        lambda: stack.kill_and_await_successor("redis"),
    ]
    with ThreadPoolExecutor(1) as pool:
        # Beside the sender, so that they come in the middle of an association and not between two.
        done = send_until_all_are_stored(stack, paths, [partial(pool.submit, kill) for kill in kills])
        for kill in done:
            kill.result()
    assert len(done) == len(kills), "everything was broken before the last instance was sent"
    check_everything_is_there_once(stack.home, web, "KILLED", paths)
    wait_until(
        lambda: being_written(stack.home / "store") == [],
        what="no incoming file is left",
    )


def test_while_redis_is_away_storing_goes_on_and_all_is_found_when_it_is_back(tmp_path, new_database):
    paths = write_ct_series(tmp_path / "ct", instances=60, patient_id="NOREDIS")
    with (
        running_redis(tmp_path / "redis") as redis,
        live_stack(tmp_path / "home", **new_database(), REDIS_URL=redis.url) as stack,
    ):
        web = DicomWeb(stack.addresses.dicom_web_url)
        redis.kill()
        answers = [
            answer
            for start in range(0, len(paths), AT_ONCE)
            for answer in send(stack.addresses.scp_port, paths[start : start + AT_ONCE])
        ]
        assert {answer.status for answer in answers} == {0}
        assert web.instances_found(PatientID="NOREDIS") == 0
        redis.start()
        check_everything_is_there_once(stack.home, web, "NOREDIS", paths)


def test_a_second_run_on_the_same_home_goes_on_where_a_killed_one_stopped(tmp_path, new_database):
    home = tmp_path / "home"
    paths = write_ct_series(tmp_path / "ct", instances=40, patient_id="RESTART")
    settings = new_database()
    with live_stack(home, **settings) as stack:
        answers = send(stack.addresses.scp_port, paths)
        os.kill(stack.launcher, signal.SIGKILL)
        stack.wait(300)
    stored = [answer.path for answer in answers if answer.is_success]
    assert stored == paths
    with live_stack(home, **settings) as stack:
        web = DicomWeb(stack.addresses.dicom_web_url)
        check_everything_is_there_once(home, web, "RESTART", stored)
