"""A peer that sends the bytes that a test wants, and reads PDUs back."""

import select
import socket
import struct
from pathlib import Path
from typing import Self

from dicomhub.standard.part10 import read_file_meta
from scp.dimse import Element
from tests.scp.pdus import COMMAND, LAST, associate_rq, c_store_rq, context_item, p_data, pdv
from tests.support.scp_process import ScpProcess

Answer = tuple[int, bytes]  # type and body of a PDU


class RawPeer:
    def __init__(self, scp: ScpProcess, connection: socket.socket | None = None) -> None:
        self.socket = connection or scp.connect()
        self.address: tuple[str, int] = self.socket.getsockname()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def read(self) -> Answer | None:
        """The next PDU; None when the connection is closed."""
        header = self._exactly(6)
        if header is None:
            return None
        pdu_type, length = struct.unpack(">BxI", header)
        return pdu_type, self._exactly(length) or b""

    def _exactly(self, length: int) -> bytes | None:
        data = b""
        while len(data) < length:
            try:
                piece = self.socket.recv(length - len(data))
            except ConnectionError:
                return None
            if not piece:
                return None
            data += piece
        return data

    def associate(self, *contexts: bytes, **request: object) -> "RawPeer":
        self.send(associate_rq(*contexts, **request))
        answer = self.read()
        assert answer is not None
        assert answer[0] == 2, answer
        return self

    def associate_for(self, path: Path) -> "RawPeer":
        """Propose the SOP class and transfer syntax of a file on context 1."""
        meta = read_file_meta(path.read_bytes())
        return self.associate(context_item(1, meta.media_storage_sop_class_uid, meta.transfer_syntax_uid))

    def status(self) -> tuple[int, str]:
        """Status and Error Comment of the next response."""
        answer = self.read()
        assert answer is not None
        pdu_type, body = answer
        assert pdu_type == 4, answer
        elements = _elements(body[6:])
        comment = elements.get(Element.ERROR_COMMENT, b"").decode().strip()
        return int.from_bytes(elements[Element.STATUS], "little"), comment

    def abort_reason(self) -> tuple[int, int]:
        answer = self.read()
        assert answer is not None
        pdu_type, body = answer
        assert pdu_type == 7, answer
        return body[2], body[3]

    def has_answer(self, *, within_seconds: float) -> bool:
        """Wait that long for bytes, or the end, of the connection."""
        readable, _, _ = select.select([self.socket], [], [], within_seconds)
        return bool(readable)

    def is_closed(self) -> bool:
        return self.read() is None


def _elements(data: bytes) -> dict[int, bytes]:
    values, offset = {}, 0
    while offset < len(data):
        _, element, length = struct.unpack_from("<HHI", data, offset)
        values[element] = data[offset + 8 : offset + 8 + length]
        offset += 8 + length
    return values


def data_set_of(path: Path) -> bytes:
    data = path.read_bytes()
    return data[read_file_meta(data).data_set_offset :]


def store_command(path: Path, **how: int) -> bytes:
    """The P-DATA-TF of the C-STORE-RQ for a file."""
    meta = read_file_meta(path.read_bytes())
    command = c_store_rq(meta.media_storage_sop_class_uid, meta.media_storage_sop_instance_uid, **how)
    return p_data(pdv(command, control=COMMAND | LAST))


def data_pdus(data: bytes, *, size: int = 16000) -> list[bytes]:
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    return [p_data(pdv(piece, control=0)) for piece in pieces[:-1]] + [p_data(pdv(pieces[-1]))]
