"""Damaged streams: what peers send, changed in the ways in which bytes go wrong. The same seed, the same streams."""

import random
import struct
from collections.abc import Callable, Sequence

_LENGTHS = (0, 1, 2, 5, 6, 7, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFFF)
_MAX_STREAM_BYTES = 64 * 1024

Mutation = Callable[[random.Random, bytearray, Sequence[bytes]], None]


def _place(chance: random.Random, stream: bytes | bytearray) -> int:
    return chance.randrange(len(stream)) if stream else 0


def _flip_a_bit(chance: random.Random, stream: bytearray, _others: Sequence[bytes]) -> None:
    if stream:
        stream[_place(chance, stream)] ^= 1 << chance.randrange(8)


def _set_a_byte(chance: random.Random, stream: bytearray, _others: Sequence[bytes]) -> None:
    if stream:
        stream[_place(chance, stream)] = chance.choice((0, 1, 2, 3, 4, 5, 6, 7, 0x7F, 0x80, 0xFF))


def _write_a_length(chance: random.Random, stream: bytearray, _others: Sequence[bytes]) -> None:
    place, value = _place(chance, stream), chance.choice(_LENGTHS)
    number = struct.pack(chance.choice(("<I", ">I")), value)
    size = chance.choice((2, 4))
    stream[place : place + size] = number[-size:]


def _remove_a_piece(chance: random.Random, stream: bytearray, _others: Sequence[bytes]) -> None:
    place = _place(chance, stream)
    del stream[place : place + chance.choice((1, 2, 4, 6, 10, 100))]


def _repeat_a_piece(chance: random.Random, stream: bytearray, _others: Sequence[bytes]) -> None:
    place = _place(chance, stream)
    piece = stream[place : place + chance.choice((1, 2, 6, 10, 100, 1000))]
    stream[place:place] = piece * chance.choice((1, 1, 2, 20))


def _insert_noise(chance: random.Random, stream: bytearray, _others: Sequence[bytes]) -> None:
    place = _place(chance, stream)
    stream[place:place] = chance.randbytes(chance.choice((1, 2, 4, 16, 300)))


def _cut_off(chance: random.Random, stream: bytearray, _others: Sequence[bytes]) -> None:
    del stream[_place(chance, stream) :]


def _go_on_as_another(chance: random.Random, stream: bytearray, others: Sequence[bytes]) -> None:
    other = chance.choice(others)
    stream[_place(chance, stream) :] = other[_place(chance, other) :]


def _swap_pdus(chance: random.Random, stream: bytearray, _others: Sequence[bytes]) -> None:
    pdus = split_into_pdus(bytes(stream))
    first, second = chance.randrange(len(pdus)), chance.randrange(len(pdus))
    pdus[first], pdus[second] = pdus[second], pdus[first]
    stream[:] = b"".join(pdus)


_OF_BYTES: tuple[Mutation, ...] = (
    _flip_a_bit,
    _set_a_byte,
    _write_a_length,
    _remove_a_piece,
    _repeat_a_piece,
    _insert_noise,
    _cut_off,
    _go_on_as_another,
)
_MUTATIONS: tuple[Mutation, ...] = (*_OF_BYTES, _swap_pdus)


def split_into_pdus(stream: bytes) -> list[bytes]:
    """Cut where the lengths say that PDUs end; what remains is the last one."""
    pdus, start = [], 0
    while start + 6 <= len(stream):
        end = start + 6 + int.from_bytes(stream[start + 2 : start + 6], "big")
        pdus.append(stream[start:end])
        start = end
    return pdus or [stream]


def mutated(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    """One of the seeds with one to six changes; the head of it, the request, is left whole every other time."""
    whole = chance.choice(seeds)
    kept = len(split_into_pdus(whole)[0]) if chance.random() < 0.5 else 0
    stream = bytearray(whole[kept:])
    for _ in range(chance.randint(1, 6)):
        chance.choice(_MUTATIONS)(chance, stream, seeds)
    return (whole[:kept] + bytes(stream))[:_MAX_STREAM_BYTES]


def damaged(chance: random.Random, whole: bytes, others: Sequence[bytes]) -> bytes:
    """Bytes of any kind with one to four changes."""
    stream = bytearray(whole)
    for _ in range(chance.randint(1, 4)):
        chance.choice(_OF_BYTES)(chance, stream, others)
    return bytes(stream)
