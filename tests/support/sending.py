"""A modality: sends files over C-STORE in the transfer syntax that each has, byte for byte."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pynetdicom import AE, _config, build_context
from pynetdicom.presentation import PresentationContext

from dicomhub.standard.part10 import read_file_meta

# Send what is in the file, instead of decoding and encoding it again.
_config.STORE_SEND_CHUNKED_DATASET = True

MAX_CONTEXTS = 128
HEADER_BYTES = 16 * 1024


@dataclass(frozen=True)
class Sent:
    """status is None when the association was lost before an answer came."""

    path: Path
    status: int | None

    @property
    def is_success(self) -> bool:
        return self.status == 0


def _context_of(path: Path) -> tuple[str, str]:
    with path.open("rb") as file:
        meta = read_file_meta(file.read(HEADER_BYTES))
    return meta.media_storage_sop_class_uid, meta.transfer_syntax_uid


def contexts_for(paths: Sequence[Path]) -> list[PresentationContext]:
    """One context for each pair of SOP class and transfer syntax, so that none is up to the acceptor."""
    pairs = sorted({_context_of(path) for path in paths})
    assert len(pairs) <= MAX_CONTEXTS
    return [build_context(*pair) for pair in pairs]


def send(port: int, paths: Sequence[Path], *, called_ae_title: str = "DICOMHUB") -> list[Sent]:
    """Send all files on one association; after it is lost nothing more is tried."""
    entity = AE("MODALITY")
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = 60
    association = entity.associate("127.0.0.1", port, contexts=contexts_for(paths), ae_title=called_ae_title)
    sent = []
    try:
        for path in paths:
            status = None
            if association.is_established:
                status = getattr(association.send_c_store(path), "Status", None)
            sent.append(Sent(path, status))
    finally:
        if association.is_established:
            association.release()
    return sent
