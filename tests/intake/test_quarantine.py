"""The quarantine's limits, with real files: bytes, their number, and what others add and take."""

import os

import pytest

from dicomhub.intake.quarantine import Quarantine
from dicomhub.storage.filesystem import FilesystemStore
from tests.support.waiting import wait_until

PLENTY = 2**40


@pytest.fixture
def store(tmp_path):
    return FilesystemStore(tmp_path / "store", durability="process")


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "quarantine"


def is_kept(quarantine, store, *, size_bytes=10):
    incoming = store.create_incoming()
    try:
        incoming.write([bytes(size_bytes)])
        return quarantine.keep(incoming, reason={"reason": "none"}) is not None
    finally:
        incoming.discard()


def test_the_number_of_files_is_limited(store, directory):
    quarantine = Quarantine(directory, max_bytes=PLENTY, max_files=11)
    assert [is_kept(quarantine, store) for _ in range(7)] == [True] * 5 + [False] * 2
    assert len(os.listdir(directory)) == 10


def test_small_files_count_for_the_blocks_that_they_take(store, directory):
    max_bytes = 100_000
    quarantine = Quarantine(directory, max_bytes=max_bytes)
    assert {is_kept(quarantine, store) for _ in range(100)} == {True, False}
    occupied = sum(path.stat().st_blocks * 512 for path in directory.iterdir())
    assert max_bytes / 2 < occupied <= max_bytes + 4096


def test_a_data_set_that_is_too_large_leaves_room_for_others(store, directory):
    quarantine = Quarantine(directory, max_bytes=100_000)
    assert not is_kept(quarantine, store, size_bytes=100_001)
    assert is_kept(quarantine, store, size_bytes=50_000)
    assert not is_kept(quarantine, store, size_bytes=50_000)
    assert is_kept(quarantine, store)


def test_what_another_process_adds_is_seen_after_a_part_of_the_limit(store, directory):
    quarantine, another = (Quarantine(directory, max_bytes=PLENTY, max_files=640) for _ in range(2))
    assert is_kept(quarantine, store)
    while is_kept(another, store):
        pass
    assert len(os.listdir(directory)) == 640
    assert [is_kept(quarantine, store) for _ in range(8)] == [True] * 5 + [False] * 3


def test_what_is_taken_makes_room(store, directory):
    quarantine = Quarantine(directory, max_bytes=PLENTY, max_files=2, count_seconds=0.1)
    assert is_kept(quarantine, store)
    assert not is_kept(quarantine, store)
    for path in directory.iterdir():
        path.unlink()
    wait_until(lambda: is_kept(quarantine, store), what="it is counted again")
