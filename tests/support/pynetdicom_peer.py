"""pynetdicom as a modality. Under load it now and then misses an answer, see tests.support.sending."""

from collections.abc import Callable, Sequence
from typing import Any

from pydicom.dataset import Dataset
from pynetdicom import AE
from pynetdicom.association import Association

# A busy machine answers in less, and what was missed comes no more.
_ANSWER_SECONDS = 10
_TRIES = 5

Send = Callable[[Association], Dataset]


def statuses(
    entity: AE, host: str, port: int, sends: Sequence[Send], **how: Any
) -> tuple[Association, list[int]]:
    """Have everything sent on one association, and then released; once more when an answer was missed."""
    entity.dimse_timeout = _ANSWER_SECONDS
    for _ in range(_TRIES):
        association = entity.associate(host, port, **how)
        assert association.is_established
        found: list[int] = []
        for send in sends:
            response = send(association)
            if "Status" not in response:
                break
            found.append(response.Status)
        else:
            association.release()
            entity.shutdown()
            return association, found
    raise AssertionError("pynetdicom has missed an answer each time")
