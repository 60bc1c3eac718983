"""The codec pool with real processes, which do what codecs do on bad days (tests/transcode/misbehaving.py)."""

import multiprocessing
import os
import signal
import threading
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from dicomhub.environment import read_environment
from tasks.transcode.failure import (
    CodecBusy,
    CodecCrashed,
    CodecOutOfMemory,
    CodecPoolClosed,
    CodecRefused,
    CodecTimeout,
    CodecUnavailable,
)
from tasks.transcode.orders import Outcome
from tasks.transcode.pool import CodecPool
from tests.support.waiting import wait_until
from tests.transcode.misbehaving import Do, Done, Told

LONG = 60.0
SHORT = 0.5
SETTINGS = replace(
    read_environment({}).codec, processes=2, seconds=LONG, seconds_per_mib=1.0, memory_bytes=512 * 1024**2
)


def opened(**changes):
    return closing(CodecPool(replace(SETTINGS, **changes), work="tests.transcode.misbehaving"))


@pytest.fixture(scope="module")
def pool():
    with opened() as pool:
        yield pool


@pytest.fixture(scope="module")
def impatient():
    with opened(processes=1, seconds=SHORT) as pool:
        yield pool


def is_gone(pid):
    return not Path(f"/proc/{pid}").exists()


def stat_of(pid):
    """The fields of /proc/<pid>/stat behind the program's name: state, parent's pid, ..."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def pid_of(pool):
    return pool.run(Do("answer"), Done).pid


def test_an_answer_comes_from_another_process(pool):
    assert pid_of(pool) != os.getpid()
    assert pool.run(Told("über"), Told) == Told('"über"')
    assert pool.run(Do("answer", 20 * 1024**2), Done).body == b"x" * 20 * 1024**2


@pytest.mark.parametrize("hang", ["hang_in_c", "hang_in_python", "close_everything"])
def test_a_hang_costs_one_order_and_its_process(impatient, hang):
    before = pid_of(impatient)
    with pytest.raises((CodecTimeout, CodecCrashed)) as failed:
        impatient.run(Do(hang), Done)
    assert failed.value.outcome in {Outcome.TIMEOUT, Outcome.CRASHED}
    assert is_gone(before)
    assert pid_of(impatient) != before


def test_a_larger_order_may_take_longer(impatient):
    """A second for each MiB, so that nothing short ends it before it ends itself."""
    with pytest.raises(CodecCrashed):
        impatient.run(Do("sleep_and_leave", 3), Done, decoded_bytes=60 * 1024**2)


@pytest.mark.parametrize(
    ("crash", "exit_code", "words"),
    [
        ("abort", -signal.SIGABRT, "SIGABRT"),
        ("segfault", -signal.SIGSEGV, "SIGSEGV"),
        ("leave", 7, "exit code 7"),
        ("kill_itself", -signal.SIGKILL, "SIGKILL"),
    ],
)
def test_a_crash_costs_one_order(pool, crash, exit_code, words):
    with pytest.raises(CodecCrashed, match=words) as failed:
        pool.run(Do(crash, 7), Done)
    assert failed.value.exit_code == exit_code
    assert pid_of(pool)


@pytest.mark.parametrize("eat", ["allocate_for_ever", "raise_memory_error", "bad_alloc"])
def test_a_lack_of_memory_costs_one_order(pool, eat):
    before = pid_of(pool)
    with pytest.raises(CodecOutOfMemory, match="allocation"):
        pool.run(Do(eat), Done)
    assert is_gone(before)
    assert pid_of(pool)


def test_memory_that_is_mapped_counts_too(pool):
    before = pid_of(pool)
    with pytest.raises(CodecRefused, match="Cannot allocate memory"):
        pool.run(Do("map_for_ever"), Done)
    assert is_gone(before)


def test_a_file_that_is_mapped_is_no_memory(pool, tmp_path):
    path = tmp_path / "cine"
    with path.open("wb") as file:
        file.truncate(4 * SETTINGS.memory_bytes)
    assert pool.run(Do("map_file", path=str(path)), Told).text == str(4 * SETTINGS.memory_bytes)


def test_a_process_that_has_leaked_makes_way_before_an_order_fails_for_it():
    with opened(processes=1) as pool:
        pids = [pool.run(Do("leak", 100 * 1024**2), Done).pid for _ in range(8)]
    assert 1 < len(set(pids)) < len(pids)


def test_noise_is_no_answer_and_hangs_nobody(pool):
    before = pid_of(pool)
    assert pool.run(Do("noise", 500), Done).pid == before  # 33 MB
    with pytest.raises(CodecCrashed, match=r"its last words: .*cannot go on") as failed:
        pool.run(Do("complain_and_abort"), Done)
    assert len(failed.value.reason) < 1000


def test_what_is_refused_or_raised_keeps_the_process(pool):
    before = pid_of(pool)
    with pytest.raises(CodecRefused, match="corrupt: a segment that is none"):
        pool.run(Do("refuse"), Done)
    with pytest.raises(CodecRefused, match="failed: LookupError: no such table"):
        pool.run(Do("raise_an_error"), Done)
    assert pid_of(pool) == before


def test_a_process_is_recycled():
    with opened(processes=1, orders_per_process=3) as pool:
        pids = [pid_of(pool) for _ in range(9)]
    assert len(set(pids)) == 3
    assert pids == sorted(pids, key=pids.index)


def test_an_idle_process_that_dies_is_replaced(impatient):
    before = pid_of(impatient)
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: is_gone(before), what="it is gone")
    assert pid_of(impatient) != before


def test_the_nursery_may_die(pool):
    before = pid_of(pool)
    nursery = int(stat_of(before)[1])
    os.kill(nursery, signal.SIGKILL)
    wait_until(lambda: stat_of(nursery)[0] == "Z", what="it is dead")
    assert pid_of(pool) != before


def test_a_codec_process_inherits_nothing(pool):
    with Path(os.devnull).open() as file:
        os.set_inheritable(file.fileno(), True)
        links = pool.run(Do("descriptors"), Told).text.split()
    assert sorted(link.partition(":")[0] for link in links) == ["pipe", "pipe", "pipe", "socket"]


def test_modules_of_a_deployment():
    with opened(modules=("one", "two")) as pool:
        assert pool.run(Do("modules"), Told) == Told("one,two")


def test_a_module_that_cannot_be_loaded_says_why_and_says_it_again():
    with opened(modules=("tests.transcode.unusable",)) as pool:
        for _ in range(2):
            with pytest.raises(CodecUnavailable, match="ImportError: no decoders here"):
                pool.run(Do("answer"), Done)
        assert pool._links == set()


def test_many_orders_at_once_come_as_they_are_done(pool):
    def do(number):
        what = {5: "abort", 7: "allocate_for_ever"}.get(number, "answer")
        try:
            return pool.run(Do(what), Done)
        except (CodecCrashed, CodecOutOfMemory) as failure:
            return failure.outcome

    results = dict(pool.as_completed(iter(range(200)), do))
    assert sorted(results) == [*range(200)]
    assert {results.pop(5), results.pop(7)} == {Outcome.CRASHED, Outcome.OUT_OF_MEMORY}
    assert all(isinstance(result, Done) for result in results.values())


def test_threads_share_a_pool_and_wait_for_their_turn(pool):
    pids = set()
    threads = [threading.Thread(target=lambda: pids.add(pid_of(pool))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= len(pids) <= SETTINGS.processes
    # The thread that had a process started is gone, and the process is not.
    assert pid_of(pool) in pids


def test_patience(tmp_path):
    with opened(processes=1) as pool:
        hanging = in_thread(lambda: pool.run(Do("say_and_hang", path=str(tmp_path / "hangs")), Done))
        wait_until((tmp_path / "hangs").exists, what="it hangs")
        with pytest.raises(CodecBusy):
            pool.run(Do("answer"), Done, patience_seconds=0.1)
        pool.close()
        assert isinstance(hanging(), CodecPoolClosed)
        with pytest.raises(CodecPoolClosed):
            pool.run(Do("answer"), Done)


def in_thread(function):
    """Begin it, and return what waits for its result, or for what it raises."""
    outcome = []

    def run():
        try:
            outcome.append(function())
        except Exception as error:  # noqa: BLE001
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()

    def result():
        thread.join()
        return outcome[0]

    return result


def test_a_closed_pool_leaves_nothing(tmp_path):
    before = descriptors()
    for path in (tmp_path / "1", tmp_path / "2", tmp_path / "3"):
        with opened() as pool:
            pids = {pid_of(pool)}
            hanging = in_thread(partial(pool.run, Do("say_and_hang", path=str(path)), Done))
            wait_until(path.exists, what="it hangs")
            for what in ("abort", "raise_memory_error"):
                with pytest.raises((CodecCrashed, CodecOutOfMemory)):
                    pool.run(Do(what), Done)
            pids.add(pid_of(pool))
        hanging()
        assert all(is_gone(pid) for pid in pids)
    assert descriptors() == before


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def _in_child(pool, queue):
    queue.put(pid_of(pool))


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_daemonic_child_may_have_a_pool(method):
    context = multiprocessing.get_context(method)
    queue = context.SimpleQueue()
    child = context.Process(target=_with_a_pool, args=(queue,), daemon=True)
    child.start()
    assert queue.get() > 0
    child.join()


def _with_a_pool(queue):
    with opened() as pool:
        _in_child(pool, queue)


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_child_begins_with_processes_of_its_own(pool):
    ours = pid_of(pool)
    held = threading.Event()
    released = threading.Event()

    def hold():
        with pool._lock:
            held.set()
            released.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    child = context.Process(target=_in_child, args=(pool, queue))
    child.start()
    released.set()
    holder.join()
    theirs = queue.get()
    child.join()
    assert theirs != ours
    wait_until(lambda: is_gone(theirs), what="they end with their parent")
    assert pid_of(pool) == ours


def test_whoever_is_interrupted_leaves_no_order_behind(tmp_path):
    """As a task past its soft limit is: by an exception in the middle of waiting."""

    class SoftLimit(Exception):
        pass

    def interrupt(*_):
        raise SoftLimit

    path = tmp_path / "hangs"
    with opened(processes=1) as pool:
        pid = pid_of(pool)
        previous = signal.signal(signal.SIGUSR1, interrupt)
        try:
            interrupter = in_thread(
                lambda: (wait_until(path.exists, what="it hangs"), os.kill(os.getpid(), signal.SIGUSR1))
            )
            with pytest.raises(SoftLimit):
                pool.run(Do("say_and_hang", path=str(path)), Done)
            interrupter()
        finally:
            signal.signal(signal.SIGUSR1, previous)
        assert is_gone(pid)
        assert pid_of(pool) != pid
