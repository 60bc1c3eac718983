"""A sender that takes little from the machine that it shares with a receiver.

What it sends stays where it is, in the files' pages, and neither its start nor its end is part of what is measured.
"""

import mmap
import socket
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pydicom

from dicomhub.standard.part10 import read_file_meta
from tests.scp.pdus import COMMAND, LAST, RELEASE_RQ, c_store_rq, context_item, p_data, pdv
from tests.scp.raw_peer import RawPeer

_FRAGMENT_BYTES = 16378  # PDUs of 16 KiB
_HEADER_BYTES = 12
_PDU_HEADER_BYTES = 6
_STATUS_HEADER = struct.pack("<HHI", 0x0000, 0x0900, 2)
_ENOUGH_BYTES = 65536

Buffer = bytes | memoryview


@dataclass(frozen=True, slots=True)
class _Edition:
    """In another edition all UIDs are other ones: the same files are instances of another study then."""

    number: int
    folder_uids: tuple[str, ...] = ()  # of its study and series

    def rename(self, data: bytes, sop_instance_uid: str) -> bytes:
        ending = f"{self.number:05d}"
        for uid in (sop_instance_uid, *self.folder_uids):
            data = data.replace(uid.encode(), (uid[: -len(ending)] + ending).encode())
        return data


def _edition_of(file: Path, number: int) -> _Edition:
    names = ["StudyInstanceUID", "SeriesInstanceUID"]
    data_set = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=names)
    return _Edition(number, tuple(str(data_set[name].value) for name in names))


def _message(file: Path, edition: _Edition | None = None) -> list[Buffer]:
    """A C-STORE-RQ and its data set, headers of PDUs between pieces of the file."""
    with file.open("rb") as opened:
        data = memoryview(
            mmap.mmap(opened.fileno(), 0, flags=mmap.MAP_SHARED | mmap.MAP_POPULATE, prot=mmap.PROT_READ)
        )
    meta = read_file_meta(bytes(data[:4096]))
    sop_instance_uid = meta.media_storage_sop_instance_uid
    command = c_store_rq(meta.media_storage_sop_class_uid, sop_instance_uid)
    first, rest = meta.data_set_offset, meta.data_set_offset + _FRAGMENT_BYTES
    fragments: list[Buffer] = [bytes(data[first:rest])]
    fragments += [data[at : at + _FRAGMENT_BYTES] for at in range(rest, len(data), _FRAGMENT_BYTES)]
    if edition is not None:
        command = edition.rename(command, sop_instance_uid)
        fragments[0] = edition.rename(bytes(fragments[0]), sop_instance_uid)
    buffers: list[Buffer] = [p_data(pdv(command, control=COMMAND | LAST))]
    for fragment in fragments:
        control = LAST if fragment is fragments[-1] else 0
        buffers += [p_data(pdv(bytes(fragment), control=control))[:_HEADER_BYTES], fragment]
    return buffers


def send(port: int, folders: Sequence[Path], edition: int, step: Barrier) -> None:
    """Get ready; with the second step send folders, each on an association of its own; be through with the third.

    Whatever fails breaks the barrier.
    """
    try:
        associations = [_association(folder, edition) for folder in folders]
        step.wait()
        step.wait()
        for context, messages in associations:
            _send_all(port, context, messages)
        step.wait()
    except BaseException:
        step.abort()
        raise


def _association(folder: Path, edition: int) -> tuple[bytes, list[list[Buffer]]]:
    """All files of the folder are of one series."""
    files = sorted(folder.iterdir())
    its_edition = _edition_of(files[0], edition)
    return _context(files[0]), [_message(file, its_edition) for file in files]


def _context(file: Path) -> bytes:
    meta = read_file_meta(file.read_bytes())
    return context_item(1, meta.media_storage_sop_class_uid, meta.transfer_syntax_uid)


def latencies(port: int, file: Path, *, times: int) -> list[float]:
    """Seconds of each of many fresh associations with one instance, one after the other."""
    context, message, seconds = _context(file), _message(file), []
    for _ in range(times):
        before = time.perf_counter()
        _send_all(port, context, [message])
        seconds.append(time.perf_counter() - before)
    return seconds


def _send_all(port: int, context: bytes, messages: Sequence[Sequence[Buffer]]) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer = RawPeer(None, connection).associate(context)
        for message in messages:
            if connection.sendmsg(message) != sum(map(len, message)):
                raise RuntimeError("the kernel has taken a part only")
            status = _status(connection)
            if status:
                raise RuntimeError(f"answered with {status:04X}")
        peer.send(RELEASE_RQ)
        peer.read()


def _status(connection: socket.socket) -> int:
    """The status of the next answer, which is nothing but one PDU; without a look at its other elements."""
    answer = b""
    while len(answer) < _PDU_HEADER_BYTES or len(answer) < _pdu_bytes(answer):
        piece = connection.recv(_ENOUGH_BYTES)
        if not piece:
            raise RuntimeError("the connection was closed before the answer")
        answer += piece
    _, header, value = answer.partition(_STATUS_HEADER)
    if not header:
        raise RuntimeError("answered without a status")
    return int.from_bytes(value[:2], "little")


def _pdu_bytes(header: bytes) -> int:
    return _PDU_HEADER_BYTES + int.from_bytes(header[2:_PDU_HEADER_BYTES], "big")
