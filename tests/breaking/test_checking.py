"""The checks of kill_rounds find what they look for."""

import random

import pytest

from dicomhub.intake.door import Intake
from dicomhub.storage.layout import JOURNAL
from tests.breaking.checking import in_the_journal, problems_of
from tests.breaking.sender import Address, Instance, Instances, Sender
from tests.support.ct_series import write_ct_series
from tests.support.receiving import receive


@pytest.fixture
def stored(environment, tmp_path):
    """A sender that believes what is so: three instances are stored. Also the store's root."""
    paths = write_ct_series(tmp_path / "ct", instances=3, patient_id="CHECK", rows=16)
    instances = Instances(paths)
    sender = Sender(Address("127.0.0.1", 1), instances, seed=1)
    intake = Intake.open(environment, owner="test")
    for path in paths:
        made = instances.make(random.Random(1), instances.templates(random.Random(1)))
        receive(intake, path, data_set=made.data_set, sop_instance_uid=made.sop_instance_uid)
        sender.tried[made.sop_instance_uid] = made
        sender.acknowledged.append(made)
    return sender, environment.store_root


def problems(sender, root):
    return problems_of(root, [sender], in_the_journal(root))


def test_nothing_is_wrong_with_what_is_right(stored):
    assert problems(*stored) == []


def test_a_lost_file_is_found(stored):
    sender, root = stored
    next((root / "default").rglob("*.dcm")).unlink()
    assert any("not on disk" in problem for problem in problems(sender, root))


def test_a_changed_byte_is_found(stored):
    sender, root = stored
    file = next((root / "default").rglob("*.dcm"))
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    assert any("other bytes" in problem for problem in problems(sender, root))


def test_a_lost_journal_line_is_found(stored):
    sender, root = stored
    [segment] = (root / JOURNAL).iterdir()
    segment.write_bytes(b"".join(segment.read_bytes().splitlines(keepends=True)[:-1]))
    assert any("in no journal segment" in problem for problem in problems(sender, root))


def test_a_doubled_journal_line_is_found(stored):
    sender, root = stored
    [segment] = (root / JOURNAL).iterdir()
    lines = segment.read_bytes().splitlines(keepends=True)
    segment.write_bytes(b"".join([*lines, lines[-1]]))
    assert any("2 batches" in problem for problem in problems(sender, root))


def test_a_success_that_never_was_is_found(stored):
    sender, root = stored
    sender.acknowledged.append(Instance("1.2.3", b""))
    assert len(problems(sender, root)) == 2
