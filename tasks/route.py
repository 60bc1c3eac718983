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
    MAINTENANCE = "maintenance"


@dataclass(frozen=True, slots=True)
class Stage:
    name: str
    task: str
    queue: Queue


INDEX = Stage("index", "tasks.pipeline.index", Queue.INDEX)
METADATA = Stage("metadata", "tasks.pipeline.metadata", Queue.METADATA)

STAGES: tuple[Stage, ...] = (INDEX, METADATA)

# Where a batch stands before its first stage: the database has its manifest, and nothing more.
RECEIVED = "received"

SWEEP_TASK = "tasks.pipeline.sweep"
COMPACT_WAREHOUSE_TASK = "tasks.pipeline.compact_warehouse"


def stages_after(name: str) -> tuple[Stage, ...]:
    """The stages that a batch that has reached the stage `name` (or RECEIVED) still has before it."""
    names = [RECEIVED, *(stage.name for stage in STAGES)]
    return STAGES[names.index(name) :]
