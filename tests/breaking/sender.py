"""A modality that believes nothing but a 0000: what was not answered so is sent again."""

import random
import socket
import threading
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from dicomhub.standard.part10 import read_file_meta
from tests.scp.pdus import (
    COMMAND,
    CT,
    EXPLICIT,
    LAST,
    RELEASE_RQ,
    associate_rq,
    c_store_rq,
    context_item,
    p_data,
    pdv,
)
from tests.scp.raw_peer import RawPeer, data_pdus, data_set_of
from tests.support.scp_process import HANG_SECONDS

A_ASSOCIATE_AC, A_ASSOCIATE_RJ, P_DATA_TF = 2, 3, 4
_FIRST_NUMBER = 10**12


class Lost(Exception):
    """The association ended without an answer."""


@dataclass(frozen=True)
class Instance:
    sop_instance_uid: str
    data_set: bytes


Template = tuple[str, bytes]  # SOP Instance UID and data set


class Instances:
    """Makes instances, each with a UID and pixels of its own, from files that stay as templates."""

    def __init__(self, templates: list[Path]) -> None:
        self._templates = [
            (read_file_meta(path.read_bytes()).media_storage_sop_instance_uid, data_set_of(path))
            for path in templates
        ]
        self._numbers = count(_FIRST_NUMBER)
        self._lock = threading.Lock()

    def templates(self, chance: random.Random) -> list[Template]:
        """What an association sends: instances of a series, which the express lane stores, or of any."""
        return [chance.choice(self._templates)] if chance.random() < 0.5 else self._templates

    def make(self, chance: random.Random, templates: list[Template]) -> Instance:
        with self._lock:
            number = next(self._numbers)
        uid, data_set = chance.choice(templates)
        mark = str(number).encode()
        fresh = uid[: -len(mark)] + mark.decode()
        return Instance(fresh, data_set[: -len(mark)].replace(uid.encode(), fresh.encode()) + mark)


class Sender(threading.Thread):
    """Stores one instance after the other until it is stopped, on associations of a few each.

    acknowledged and unanswered are what it believes; sent_again are those that went out more than once.
    """

    def __init__(self, address: "Address", instances: Instances, *, seed: int) -> None:
        super().__init__()
        self._address = address
        self._instances = instances
        self._chance = random.Random(seed)
        self._is_over = threading.Event()
        self._unanswered: Instance | None = None
        self.acknowledged: list[Instance] = []
        self.tried: dict[str, Instance] = {}
        self.sent_again: set[str] = set()
        self.refused: list[int] = []
        self.associations_lost = 0
        self.error: Exception | None = None

    def stop(self) -> None:
        self._is_over.set()

    def run(self) -> None:
        try:
            while not self._is_over.is_set():
                try:
                    self._associate()
                except (Lost, OSError):
                    self.associations_lost += 1
                    self._is_over.wait(0.02)
        except Exception as error:  # noqa: BLE001 - shown by whoever started this thread
            self.error = error

    def _associate(self) -> None:
        with RawPeer(self._address) as peer:
            peer.send(associate_rq(context_item(1, CT, EXPLICIT)))
            answer = peer.read()
            if answer is None:
                raise Lost
            if answer[0] == A_ASSOCIATE_RJ:
                return  # everybody is busy; a modality tries again
            assert answer[0] == A_ASSOCIATE_AC, answer
            templates = self._instances.templates(self._chance)
            for _ in range(self._chance.randint(1, 12)):
                self._store(peer, templates)
                if self._is_over.is_set():
                    break
            peer.send(RELEASE_RQ)
            if peer.read() is None:
                raise Lost

    def _store(self, peer: RawPeer, templates: list[Template]) -> None:
        instance = self._unanswered or self._instances.make(self._chance, templates)
        if instance.sop_instance_uid in self.tried:
            self.sent_again.add(instance.sop_instance_uid)
        self._unanswered = self.tried[instance.sop_instance_uid] = instance
        command = p_data(pdv(c_store_rq(CT, instance.sop_instance_uid), control=COMMAND | LAST))
        peer.send(command + b"".join(data_pdus(instance.data_set)))
        answer = peer.read()
        if answer is None:
            raise Lost
        status = _status(answer)
        self._unanswered = None
        if status == 0:
            self.acknowledged.append(instance)
        else:
            self.refused.append(status)


@dataclass(frozen=True)
class Address:
    """Where to connect to, whoever listens there by then; what RawPeer wants to know of an SCP."""

    host: str
    port: int

    def connect(self) -> socket.socket:
        return socket.create_connection((self.host, self.port), timeout=HANG_SECONDS)


def _status(answer: tuple[int, bytes]) -> int:
    pdu_type, body = answer
    if pdu_type != P_DATA_TF:
        raise Lost  # an A-ABORT
    mark = bytes.fromhex("0000000902000000")  # (0000,0900), two bytes
    place = body.index(mark) + len(mark)
    return int.from_bytes(body[place : place + 2], "little")
