"""Fill an archive as the receiving side and the pipeline do, in this process and without a broker."""

from pathlib import Path
from uuid import uuid4

from dicomhub.environment import Environment
from dicomhub.intake.door import Intake
from tasks.messages import InstanceBatch, StoredInstance, batch_to_message
from tasks.pipeline.index import index
from tasks.pipeline.metadata import metadata
from tests.support.receiving import receive


class Filling:
    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self._intake = Intake.open(environment, owner="filling")

    def close(self) -> None:
        self._intake.close()

    @property
    def store(self):
        return self._intake.store

    def archive(self, *paths: Path, **how) -> list[StoredInstance]:
        """Received, and not yet indexed."""
        return [receive(self._intake, path, **how).instance for path in paths]

    def index(self, instances: list[StoredInstance]) -> str:
        """Indexed; the metadata documents are not made or older than that. Returns the batch's ID."""
        batch = InstanceBatch(batch_id=str(uuid4()), instances=tuple(instances))
        index(batch_to_message(batch))
        return batch.batch_id

    def add(self, *paths: Path, **how) -> list[StoredInstance]:
        """All the way through the pipeline."""
        instances = self.archive(*paths, **how)
        metadata(self.index(instances))
        return instances
