"""What codec processes are forked from, and what they do: one order at a time, until they are killed.

`python -m tasks.transcode.codec_process SOCKET WORK MEMORY_BYTES [MODULE...]` imports the codecs once; then
each message on SOCKET brings the descriptors of a codec process to be forked. WORK names a module with
`prepare(modules)`, and with `perform(order)`, whose annotation says which orders there are. Forking takes
milliseconds where starting Python and importing codecs takes most of a second. Here is only one thread.
"""

import gc
import os
import select
import socket
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from types import ModuleType, UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

import msgspec

from tasks.transcode.limits import data_bytes, end_with_parent, leave_no_core_file, limit_memory
from tasks.transcode.orders import Outcome, Refusal
from tasks.transcode.wire import EXIT_CODE, READY, Birth, Message, receive

_MAX_ORDER_BYTES: Final = 64 * 1024 * 1024
_STANDARD_STREAMS: Final = (0, 1, 2)


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


def _send(connection: socket.socket, message: Message) -> None:
    for buffer in message.buffers():
        connection.sendall(buffer)


def _orders_of(perform: Callable[[Any], object]) -> dict[str, type]:
    """The types that perform takes, by name."""
    (taken,) = (hint for name, hint in get_type_hints(perform).items() if name != "return")
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


def _serve(connection: socket.socket, perform: Callable[[Any], object], *, memory_bytes: int) -> None:
    orders = _orders_of(perform)
    _send(connection, Message(READY, str(os.getpid()).encode("ascii")))
    while True:
        order = receive(lambda size: _read_exactly(connection, size), max_bytes=_MAX_ORDER_BYTES)
        answer = _answer(perform, orders[order.name], order.body)
        # Where memory leaks, an order should not fail for what others before it have taken.
        is_worn = data_bytes() > memory_bytes // 2
        _send(connection, replace(answer, is_last=answer.is_last or is_worn))


def _live(birth: Birth, work: ModuleType, *, memory_bytes: int) -> None:
    """The life of a codec process, as its limits and its parent let it."""
    os.setsid()  # what a terminal sends to its foreground is for those who drain
    for stream, descriptor in zip(_STANDARD_STREAMS, (birth.lifeline, birth.noise, birth.noise), strict=True):
        os.dup2(descriptor, stream)
    connection = socket.socket(fileno=os.dup2(birth.connection, 3))
    os.closerange(4, os.sysconf("SC_OPEN_MAX"))
    end_with_parent(0)
    limit_memory(memory_bytes)
    _serve(connection, work.perform, memory_bytes=memory_bytes)


class _Nursery:
    def __init__(self, control: socket.socket, work: ModuleType, *, memory_bytes: int) -> None:
        self._control = control
        self._work = work
        self._memory_bytes = memory_bytes
        # By the descriptor of a process that lives. Its lifeline stays open here: closed altogether, as by a
        # codec that closes what it finds, it could kill nobody.
        self._living: dict[int, tuple[int, Birth]] = {}
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)

    def run(self) -> None:
        """Until the parent has closed its end, and all that were borne are buried."""
        is_wanted = True
        while is_wanted or self._living:
            for descriptor, _ in self._poll.poll():
                if descriptor != self._control.fileno():
                    self._bury(descriptor)
                elif birth := Birth.receive(self._control):
                    self._bear(birth)
                else:
                    is_wanted = False
                    self._poll.unregister(self._control)

    def _bear(self, birth: Birth) -> None:
        try:
            pid = os.fork()
            if pid == 0:
                _live_and_exit(birth, self._work, memory_bytes=self._memory_bytes)
            descriptor = os.pidfd_open(pid)
        except OSError:
            traceback.print_exc()
            os.close(birth.status)
            os.close(birth.lifeline)
        else:
            self._living[descriptor] = pid, birth
            self._poll.register(descriptor, select.POLLIN)
        os.close(birth.connection)
        os.close(birth.noise)

    def _bury(self, descriptor: int) -> None:
        pid, birth = self._living.pop(descriptor)
        self._poll.unregister(descriptor)
        os.close(descriptor)
        _, wait_status = os.waitpid(pid, 0)
        with suppress(BrokenPipeError):  # nobody wants to know
            os.write(birth.status, EXIT_CODE.pack(os.waitstatus_to_exitcode(wait_status)))
        os.close(birth.status)
        os.close(birth.lifeline)


def _live_and_exit(birth: Birth, work: ModuleType, *, memory_bytes: int) -> None:
    """Never returns: what stands on the stack below is the nursery's."""
    try:
        _live(birth, work, memory_bytes=memory_bytes)
    except (_ParentGone, ConnectionError):
        os._exit(0)
    except BaseException:  # noqa: BLE001 - the last edge of this process
        traceback.print_exc()
    os._exit(1)


def main() -> None:
    descriptor, work_name, memory_bytes, *modules = sys.argv[1:]
    end_with_parent(sys.stdin.fileno())
    leave_no_core_file()
    # The pool's processes keep the cores busy; threads of a library's own would only take memory.
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    work = import_module(work_name)
    work.prepare(tuple(modules))
    gc.freeze()  # so that collecting in a child does not copy what it shares with the others
    _Nursery(socket.socket(fileno=int(descriptor)), work, memory_bytes=int(memory_bytes)).run()


if __name__ == "__main__":
    main()
