"""Work for codec processes that do what codecs do on bad days."""

import ctypes
import mmap
import os
import re
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tasks.transcode.orders import Outcome, Refusal

_LEAKED = []
_PREPARED = []


@dataclass(frozen=True, slots=True)
class Do:
    what: str
    number: int = 0
    path: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    pid: int
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Told:
    text: str


def hang_in_c(_order):
    re.match(r"(a+)+$", "a" * 64 + "b")  # the GIL is held, and no signal handler of Python's is run


def hang_in_python(_order):
    while True:
        time.sleep(0.01)


def dawdle(_order):
    time.sleep(0.1)


def abort(_order):
    os.abort()


def bad_alloc(_order):
    os.write(2, b"terminate called after throwing an instance of 'std::bad_alloc'\n")
    os.abort()


def segfault(_order):
    ctypes.string_at(8)


def leave(order):
    os._exit(order.number)


def allocate_for_ever(_order):
    while True:
        _LEAKED.append(bytearray(16 * 1024 * 1024))


def raise_memory_error(_order):
    raise MemoryError


def leak(order):
    _LEAKED.append(bytearray(order.number))


def noise(order):
    for _ in range(order.number):
        os.write(1, b"\x00\xffcodec: " + b"." * 65536 + b"\n")
        print("what a library has to say" * 100)


def close_everything(_order):
    os.closerange(0, 1000)
    hang_in_python(_order)


def say_and_hang(order):
    Path(order.path).touch()
    hang_in_c(order)


def say_and_close_everything(order):
    Path(order.path).touch()
    os.closerange(0, 1000)
    hang_in_c(order)


def sleep_and_leave(order):
    time.sleep(1)
    os._exit(order.number)


def kill_itself(_order):
    os.kill(os.getpid(), signal.SIGKILL)


def complain_and_abort(_order):
    print("a line\n" * 10000, flush=True)
    os.write(2, b"cannot go on")
    os.abort()


def map_for_ever(_order):
    while True:
        _LEAKED.append(mmap.mmap(-1, 16 * 1024 * 1024, flags=mmap.MAP_PRIVATE))


def map_file(order):
    with Path(order.path).open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return Told(str(len(data)))


def raise_an_error(_order):
    raise LookupError("no such table")


def refuse(_order):
    return Refusal(outcome=Outcome.CORRUPT, reason="a segment that is none")


def descriptors(_order):
    links = [path.readlink() for path in Path("/proc/self/fd").iterdir() if path.exists()]
    return Told(" ".join(map(str, links)))


def modules(_order):
    return Told(",".join(_PREPARED))


def answer(order):
    return Done(os.getpid(), b"x" * order.number)


def prepare(names):
    if "tests.transcode.unusable" in names:
        raise ImportError("no decoders here")
    _PREPARED.extend(names)


def perform(order: Do | Told) -> Done | Told | Refusal:
    if isinstance(order, Told):
        return Told(msgspec.json.encode(order.text).decode())
    return globals()[order.what](order) or Done(os.getpid())
