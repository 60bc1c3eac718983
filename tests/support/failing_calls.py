"""System calls that fail, really: the kernel refuses them to the calling thread, and to no other."""

import ctypes
import os
import platform
import struct

# By machine: what the kernel calls it, and the numbers of the calls.
_MACHINES = {
    "x86_64": (0xC000003E, {"fsync": 74, "fdatasync": 75, "renameat2": 316}),
    "aarch64": (0xC00000B7, {"fsync": 82, "fdatasync": 83, "renameat2": 276}),
}
_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _SECCOMP_MODE_FILTER = 22, 38, 2
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06  # see linux/filter.h
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000
_NUMBER_AT, _MACHINE_AT = 0, 4  # in struct seccomp_data


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def fail_from_now_on(name: str, error: int) -> None:
    """Have the calling thread's calls of that name fail with an errno, for as long as it lives. seccomp(2)."""
    machine, numbers = _MACHINES[platform.machine()]
    instructions = b"".join(
        struct.pack("=HBBI", *instruction)
        for instruction in (
            (_LOAD, 0, 0, _MACHINE_AT),
            (_JUMP_IF_EQUAL, 0, 2, machine),
            (_LOAD, 0, 0, _NUMBER_AT),
            (_JUMP_IF_EQUAL, 1, 0, numbers[name]),
            (_RETURN, 0, 0, _ALLOW),
            (_RETURN, 0, 0, _FAIL | error),
        )
    )
    program = _Program(len(instructions) // 8, instructions)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1, 0)
    _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(program))


def _prctl(option: int, *values: int) -> None:
    values += (0,) * (4 - len(values))
    if ctypes.CDLL(None, use_errno=True).prctl(option, *map(ctypes.c_ulong, values)):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
