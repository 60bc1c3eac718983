"""Send files by C-STORE, each in the transfer syntax that it has, byte for byte."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydicom.uid import UID
from pynetdicom import AE, _config, build_context
from pynetdicom.association import Association

from dicomhub.embedded.addresses import Addresses
from dicomhub.embedded.demo.samples import Sample

CALLING_AE_TITLE = "DEMO"
CONTEXTS_AT_ONCE = 100  # of the 128 that an association can have; PS3.8 9.3.2.2
ANSWER_SECONDS = 20

# Bytes as they are in the file, not decoded and encoded again.
_config.STORE_SEND_CHUNKED_DATASET = True


@dataclass(frozen=True, slots=True)
class Answer:
    """status: of the C-STORE response; None where the file could not be offered. reason: "" for a success."""

    sample: Sample
    status: int | None
    reason: str
    seconds: float

    @property
    def is_success(self) -> bool:
        return self.status == 0x0000


def store(samples: Sequence[Sample], addresses: Addresses) -> Iterator[Answer]:
    """Send all of them, over as few associations as their presentation contexts allow."""
    kinds = sorted({sample.kind for sample in samples})
    for start in range(0, len(kinds), CONTEXTS_AT_ONCE):
        offered = kinds[start : start + CONTEXTS_AT_ONCE]
        yield from _store_offered([s for s in samples if s.kind in offered], offered, addresses)


def _store_offered(
    samples: Sequence[Sample], offered: Sequence[tuple[str, str]], addresses: Addresses
) -> Iterator[Answer]:
    association = _associate(offered, addresses)
    try:
        for sample in samples:
            if not association.is_established:  # the one before it ended with an abort
                association = _associate(offered, addresses)
            answer = _store_one(sample, association)
            if answer.status is None and not association.is_established:
                # Now and then pynetdicom's reactor takes an answer for a request and gives up on waiting for
                # it. What was not answered is sent again, as a modality does.
                association = _associate(offered, addresses)
                answer = _store_one(sample, association)
            yield answer
    finally:
        if association.is_established:
            association.release()


def _associate(offered: Sequence[tuple[str, str]], addresses: Addresses) -> Association:
    entity = AE(ae_title=CALLING_AE_TITLE)
    entity.requested_contexts = [build_context(sop_class, syntax) for sop_class, syntax in offered]
    entity.dimse_timeout = ANSWER_SECONDS
    return entity.associate(addresses.scp_host, addresses.scp_port, ae_title=addresses.called_ae_title)


def _store_one(sample: Sample, association: Association) -> Answer:
    if not association.is_established:
        return Answer(sample, None, "no association", 0)
    if not _is_accepted(sample, association):
        reason = f"not accepted in the negotiation: {UID(sample.head.sop_class_uid).name}"
        return Answer(sample, None, reason, 0)
    with tempfile.NamedTemporaryFile() as file:
        file.write(sample.as_sent())
        file.flush()
        started = time.monotonic()
        response: Any = association.send_c_store(file.name)
        seconds = time.monotonic() - started
    if "Status" not in response:
        return Answer(sample, None, "the association was lost", seconds)
    comment = str(response.get("ErrorComment", ""))
    reason = "" if response.Status == 0 else f"status {response.Status:04X} {comment}".strip()
    return Answer(sample, int(response.Status), reason, seconds)


def _is_accepted(sample: Sample, association: Association) -> bool:
    return any(
        sample.kind == (str(context.abstract_syntax), str(context.transfer_syntax[0]))
        for context in association.accepted_contexts
    )
