"""A modality: sends files over C-STORE in the transfer syntax that each has, byte for byte.

Its PDUs are built by hand. pynetdicom would do, but under load its reactor now and then takes an answer for a
request (it looks at the queue between send_c_store's two steps), and then waits for one that has come.
"""

import socket
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dicomhub.standard.part10 import FileMeta, read_file_meta
from tests.scp.pdus import COMMAND, LAST, RELEASE_RQ, associate_rq, c_store_rq, context_item, p_data, pdv

MAX_CONTEXTS = 128
HEADER_BYTES = 16 * 1024
PDV_BYTES = 16 * 1024
ANSWER_SECONDS = 60

Kind = tuple[str, str]  # SOP class and transfer syntax: each has a presentation context of its own


@dataclass(frozen=True)
class Sent:
    """status is None when the association was lost before an answer came."""

    path: Path
    status: int | None

    @property
    def is_success(self) -> bool:
        return self.status == 0


def send(port: int, paths: Sequence[Path], *, called_ae_title: str = "DICOMHUB") -> list[Sent]:
    """Send all files on one association; after it is lost nothing more is tried."""
    metas = {path: _meta(path) for path in paths}
    kinds = sorted({_kind(meta) for meta in metas.values()})
    assert len(kinds) <= MAX_CONTEXTS
    context_ids = {kind: 2 * number + 1 for number, kind in enumerate(kinds)}
    statuses: dict[Path, int] = {}
    with suppress(ConnectionError), _connected(port) as peer:
        contexts = [context_item(context_ids[kind], *kind) for kind in kinds]
        peer.sendall(associate_rq(*contexts, called=called_ae_title.encode("ascii")))
        assert _read_pdu(peer)[0] == 2, "A-ASSOCIATE-AC"
        for path, meta in metas.items():
            statuses[path] = _store(peer, path, meta, context_id=context_ids[_kind(meta)])
        peer.sendall(RELEASE_RQ)
        _read_pdu(peer)
    return [Sent(path, statuses.get(path)) for path in paths]


def _connected(port: int) -> socket.socket:
    peer = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return peer


def _meta(path: Path) -> FileMeta:
    with path.open("rb") as file:
        return read_file_meta(file.read(HEADER_BYTES))


def _kind(meta: FileMeta) -> Kind:
    return meta.media_storage_sop_class_uid, meta.transfer_syntax_uid


def _store(peer: socket.socket, path: Path, meta: FileMeta, *, context_id: int) -> int:
    command = c_store_rq(meta.media_storage_sop_class_uid, meta.media_storage_sop_instance_uid)
    peer.sendall(p_data(pdv(command, context=context_id, control=COMMAND | LAST)))
    data_set = path.read_bytes()[meta.data_set_offset :]
    pieces = [data_set[start : start + PDV_BYTES] for start in range(0, len(data_set), PDV_BYTES)]
    for piece in pieces[:-1]:
        peer.sendall(p_data(pdv(piece, context=context_id, control=0)))
    peer.sendall(p_data(pdv(pieces[-1], context=context_id)))
    return _status(peer)


def _status(peer: socket.socket) -> int:
    pdu_type, body = _read_pdu(peer)
    if pdu_type != 4:
        raise ConnectionAbortedError(f"PDU type {pdu_type} instead of an answer")
    offset = 6
    while offset < len(body):
        _, element, length = struct.unpack_from("<HHI", body, offset)
        if element == 0x0900:
            return int.from_bytes(body[offset + 8 : offset + 8 + length], "little")
        offset += 8 + length
    raise AssertionError("a response without a Status")


def _read_pdu(peer: socket.socket) -> tuple[int, bytes]:
    pdu_type, length = struct.unpack(">BxI", _exactly(peer, 6))
    return pdu_type, _exactly(peer, length)


def _exactly(peer: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        piece = peer.recv(length - len(data))
        if not piece:
            raise ConnectionResetError("the association was lost")
        data += piece
    return data
