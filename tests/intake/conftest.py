from collections.abc import Iterator

import pytest

from dicomhub.environment import Environment
from dicomhub.intake.door import Intake


@pytest.fixture
def intake(environment: Environment) -> Iterator[Intake]:
    intake = Intake.open(environment, owner="test")
    yield intake
    intake.close()
