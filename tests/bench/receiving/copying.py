"""The receive lane's loop with copies put back in: PORT FOLDER COPIES. No journal, no digest, one process.

0: none but the kernel's. 1: a data set is put together in memory, as who works PDV by PDV does. 2: bytes are
copied out of the receive buffer first, as who works PDU by PDU does. 3: they are read from the kernel in
pieces of 4 KiB.
"""

import os
import socket
import sys
from pathlib import Path

from dicomhub.environment import read_environment
from dicomhub.standard.status import Status
from scp.acceptance import Acceptance, Acceptor
from scp.connection import Arrival, Connection
from scp.dimse import Command, Response, decode_command, encode_response
from scp.upper_layer.answer import encode_command, encode_release_answer
from scp.upper_layer.events import AssociateRequested, DataFragments, ReleaseRequested
from scp.upper_layer.parser import PduParser

PDV, PDU, KERNEL = 1, 2, 3
_BUFFER_BYTES = 512 * 1024
_READ_BYTES = {PDU: _BUFFER_BYTES, KERNEL: 4096}
_NEVER = float("inf")


class CopyingReceiver:
    """Serves one connection."""

    def __init__(self, accepted: socket.socket, acceptor: Acceptor, folder: Path, copies: int) -> None:
        self._connection = Connection(accepted, send_seconds=60)
        self._socket = accepted
        self._parser = PduParser(bytearray(_BUFFER_BYTES), max_pdu_bytes=16384)
        self._acceptor = acceptor
        self._folder = folder
        self._copies = copies
        self._command: Command | None = None
        self._data_set = bytearray()
        self._file = -1

    def run(self) -> None:
        while self._receive():
            while (event := self._parser.next_event()) is not None:
                match event:
                    case AssociateRequested(pdu):
                        acceptance = self._acceptor.judge(pdu)
                        assert isinstance(acceptance, Acceptance)
                        self._connection.send(acceptance.pdu)
                    case DataFragments():
                        self._take(event)
                    case ReleaseRequested():
                        self._connection.send(encode_release_answer())
        self._connection.close()

    def _receive(self) -> bool:
        space = self._parser.space()
        if self._copies < PDU:
            arrival, length = self._connection.receive_into(space, until=_NEVER)
            self._parser.received(length)
            return arrival is not Arrival.CLOSED
        data = self._socket.recv(min(len(space), _READ_BYTES[self._copies]))
        space[: len(data)] = data
        self._parser.received(len(data))
        return bool(data)

    def _take(self, run: DataFragments) -> None:
        if run.is_command:
            self._command = decode_command(b"".join(run.fragments))
            path = self._folder / f"{self._command.affected_sop_instance_uid}.dcm"
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT)
            return
        if self._copies < PDV:
            os.writev(self._file, run.fragments)
        else:
            for fragment in run.fragments:
                self._data_set += fragment
        if run.is_last:
            self._finish(run.context_id)

    def _finish(self, context_id: int) -> None:
        assert self._command is not None
        os.write(self._file, self._data_set)
        os.close(self._file)
        self._data_set = bytearray()
        response = encode_response(Response(command=self._command, status=Status.SUCCESS))
        self._connection.send(encode_command(context_id, response, peer_max_pdu_bytes=16384))


def main() -> None:
    port, folder, copies = int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    os.environ.update(DICOMHUB_HOME=str(folder / "home"), SCP_MAX_PDU_BYTES="16384")
    acceptor = Acceptor(read_environment().scp)
    listener = socket.create_server(("127.0.0.1", port))
    while True:
        accepted, _ = listener.accept()
        CopyingReceiver(accepted, acceptor, folder, copies).run()


if __name__ == "__main__":
    main()
