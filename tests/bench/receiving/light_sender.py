"""A sender that takes little from the machine that it shares with a receiver: PORT FOLDER.

It encodes all that it is going to send, begins when it is told to, and tells when it is through, by a line each:
neither its start nor its end is part of what is measured.
"""

import socket
import sys
from pathlib import Path

from tests.scp.pdus import RELEASE_RQ
from tests.scp.raw_peer import RawPeer, data_pdus, data_set_of, store_command


def _messages(files: list[Path]) -> list[bytes]:
    return [store_command(file) + b"".join(data_pdus(data_set_of(file))) for file in files]


def main() -> None:
    port, folder = int(sys.argv[1]), Path(sys.argv[2])
    files = sorted(folder.iterdir())
    messages = _messages(files)
    print("ready", flush=True)
    sys.stdin.readline()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer = RawPeer(None, connection)
        peer.associate_for(files[0])
        for file, message in zip(files, messages, strict=True):
            peer.send(message)
            status, comment = peer.status()
            if status:
                sys.exit(f"{file.name}: {status:04X} {comment}")
        peer.send(RELEASE_RQ)
        peer.read()
    print("done", flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main()
