"""Everything that writes to the archive's tables."""

from dicomhub.archive.batches import (
    accept_batch,
    batch_alive,
    batch_failed,
    batch_reached,
    batch_resumed,
    prune_batches,
)
from dicomhub.archive.documents import series_documented, study_documented
from dicomhub.archive.indexing import index_batch
from dicomhub.archive.withdrawing import recount_study

__all__ = [
    "accept_batch",
    "batch_alive",
    "batch_failed",
    "batch_reached",
    "batch_resumed",
    "index_batch",
    "prune_batches",
    "recount_study",
    "series_documented",
    "study_documented",
]
