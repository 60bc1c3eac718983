"""A codec process: takes orders from its parent, one at a time, until it is told to go or is killed.

`python -m tasks.transcode.codec_process SOCKET WORK MEMORY_BYTES [MODULE...]`. Standard input is the
lifeline; whatever codecs print goes to standard output and error, which the parent drains. WORK names a
module with `prepare(modules)`, and with `perform(order)`, whose annotation says which orders there are.
"""

import os
import socket
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from types import UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

import msgspec

from tasks.transcode.limits import data_bytes, end_with_parent, leave_no_core_file, limit_memory
from tasks.transcode.orders import Outcome, Refusal
from tasks.transcode.wire import READY, Message, receive

_MAX_ORDER_BYTES: Final = 64 * 1024 * 1024


class _ParentGone(Exception):
    pass


def _read_exactly(connection: socket.socket, size: int) -> bytearray:
    buffer = bytearray(size)
    view = memoryview(buffer)
    while view:
        received = connection.recv_into(view)
        if received == 0:
            raise _ParentGone
        view = view[received:]
    return buffer


def _orders_of(perform: Callable[[Any], object]) -> dict[str, type]:
    """The types that perform takes, by name."""
    hints = get_type_hints(perform)
    (taken,) = (hint for name, hint in hints.items() if name != "return")
    kinds = get_args(taken) if get_origin(taken) in (Union, UnionType) else (taken,)
    return {kind.__name__: kind for kind in kinds}


def _answer(perform: Callable[[Any], object], kind: type, body: bytes | bytearray) -> Message:
    try:
        return _message(perform(msgspec.msgpack.decode(body, type=kind)))
    except MemoryError:
        refusal = Refusal(outcome=Outcome.OUT_OF_MEMORY, reason="an allocation failed")
    except Exception as error:  # noqa: BLE001 - a codec of a deployment's own may raise anything
        traceback.print_exc()
        refusal = Refusal(outcome=Outcome.FAILED, reason=f"{type(error).__name__}: {error}")
    return _message(refusal)


def _message(answer: object) -> Message:
    is_last = isinstance(answer, Refusal) and answer.outcome is Outcome.OUT_OF_MEMORY
    return Message(type(answer).__name__, msgspec.msgpack.encode(answer), is_last=is_last)


def serve(connection: socket.socket, perform: Callable[[Any], object], *, memory_bytes: int) -> None:
    orders = _orders_of(perform)
    _send(connection, Message(READY))
    while True:
        order = receive(lambda size: _read_exactly(connection, size), max_bytes=_MAX_ORDER_BYTES)
        answer = _answer(perform, orders[order.name], order.body)
        # Where memory leaks, an order should not fail for what others before it have taken.
        is_worn = data_bytes() > memory_bytes // 2
        _send(connection, replace(answer, is_last=answer.is_last or is_worn))


def _send(connection: socket.socket, message: Message) -> None:
    for buffer in message.buffers():
        connection.sendall(buffer)


def main() -> None:
    descriptor, work_name, memory_bytes, *modules = sys.argv[1:]
    end_with_parent(sys.stdin.fileno())
    leave_no_core_file()
    limit_memory(int(memory_bytes))
    # The pool's processes keep the cores busy; threads of a library's own would only take memory.
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    work = import_module(work_name)
    work.prepare(tuple(modules))
    connection = socket.socket(fileno=int(descriptor))
    try:
        serve(connection, work.perform, memory_bytes=int(memory_bytes))
    except (_ParentGone, ConnectionError):
        return


if __name__ == "__main__":
    main()
