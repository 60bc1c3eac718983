"""The way of a batch through the pipeline: its stages, their order and their queues.

This table is the only place that knows the order. publish builds the chain from it, the sweeper resumes a
batch from it, the worker declares its queues from it. A new stage is a new line here and a module in
tasks/pipeline.
"""

from dataclasses import dataclass
from enum import StrEnum


class Queue(StrEnum):
    INDEX = "index"
    METADATA = "metadata"
    TRANSCODE = "transcode"
    LOAD = "load"
    MAINTENANCE = "maintenance"
    COMPACTION = "compaction"
    """Of its own: it may take minutes, and a sweep must not wait for it."""


@dataclass(frozen=True, slots=True)
class Stage:
    name: str
    task: str
    queue: Queue


INDEX = Stage("index", "tasks.pipeline.index", Queue.INDEX)
METADATA = Stage("metadata", "tasks.pipeline.metadata", Queue.METADATA)
TRANSCODE = Stage("transcode", "tasks.pipeline.transcode", Queue.TRANSCODE)
LOAD = Stage("load", "tasks.pipeline.load", Queue.LOAD)

STAGES: tuple[Stage, ...] = (INDEX, METADATA, TRANSCODE, LOAD)

# Where a batch stands before its first stage: the database has its manifest, and nothing more.
RECEIVED = "received"

SWEEP_TASK = "tasks.pipeline.sweep"
LOAD_SPOOL_TASK = "tasks.pipeline.load_spool"
COMPACT_WAREHOUSE_TASK = "tasks.pipeline.compact_warehouse"
# What an operator wants to be transcoded again; it is of no batch.
RETRY_TASK = "tasks.pipeline.retry"
DELETIONS_TASK = "tasks.pipeline.deletions"


def stages_after(name: str) -> tuple[Stage, ...]:
    """The stages that a batch that has reached the stage `name` (or RECEIVED) still has before it."""
    names = [RECEIVED, *(stage.name for stage in STAGES)]
    return STAGES[names.index(name) :]
