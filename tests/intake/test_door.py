import pytest

from dicomhub.intake.journal import CUT, OPEN
from dicomhub.intake.refusal import (
    DataSetMismatch,
    DataSetNotUnderstood,
    DuplicateRefused,
    OutOfResources,
    UidsNotUnderstood,
)
from dicomhub.intake.segments import read_segment
from dicomhub.storage.filesystem import ArchiveOutcome
from dicomhub.storage.layout import JOURNAL, QUARANTINE
from tests.support.incoming import being_written
from tests.support.receiving import begin, data_set_of, receive
from tests.support.samples import sample

CT = sample("CT_small.dcm")


def journalled(intake):
    """Archived paths that the journal names, whether cut or open."""
    return [
        instance.path
        for path in intake.store.absolute(JOURNAL).iterdir()
        if path.suffix in {OPEN, CUT}
        for instance in read_segment(path).batch.instances
    ]


def test_an_instance_is_archived_bit_for_bit_and_journalled(intake):
    stored = receive(intake, CT).instance
    archived = intake.store.absolute(stored.path)
    assert data_set_of(archived) == data_set_of(CT)
    assert stored.size_bytes == archived.stat().st_size
    assert (stored.patient_id, stored.calling_ae_title) == ("1CT1", "SENDER")
    assert journalled(intake) == [stored.path]
    assert being_written(intake.store.root) == []


def test_a_data_set_that_is_not_finished_leaves_nothing(intake):
    with begin(intake, CT) as incoming:
        incoming.write([b"half"])
    assert being_written(intake.store.root) == []
    assert journalled(intake) == []


def test_the_same_bytes_again_are_a_success_and_journalled_again(intake):
    first = receive(intake, CT)
    second = receive(intake, CT)
    assert second.outcome is ArchiveOutcome.ALREADY_THERE
    assert journalled(intake) == [first.instance.path] * 2


def test_other_bytes_are_refused_by_a_tenant_that_rejects_duplicates(intake):
    stored = receive(intake, CT).instance
    changed = data_set_of(CT).replace(b"CompressedSamples", b"CompressedSampleZ")
    with pytest.raises(DuplicateRefused):
        receive(intake, CT, data_set=changed, duplicate_policy="reject")
    assert data_set_of(intake.store.absolute(stored.path)) == data_set_of(CT)
    assert being_written(intake.store.root) == []


@pytest.mark.parametrize(
    ("announced", "refusal"),
    [
        ({"sop_class_uid": "1.2.840.10008.5.1.4.1.1.4"}, DataSetMismatch),
        ({"sop_instance_uid": "1.2.3"}, UidsNotUnderstood),
        ({"sop_instance_uid": "1.2.\u00e4"}, UidsNotUnderstood),
        ({"transfer_syntax_uid": "1.2.840.10008.1.2.2"}, DataSetNotUnderstood),
    ],
)
def test_a_data_set_that_is_not_what_was_announced_is_refused_and_quarantined(intake, announced, refusal):
    with pytest.raises(refusal) as caught:
        receive(intake, CT, **announced)
    assert 0 < len(caught.value.comment) <= 64
    assert being_written(intake.store.root) == []
    assert journalled(intake) == []
    kept = list(intake.store.absolute(QUARANTINE).glob("*.dcm"))
    assert [data_set_of(path) for path in kept] == [data_set_of(CT)]
    assert kept[0].with_suffix(".json").exists()


def test_a_data_set_without_a_study_is_refused(intake):
    with pytest.raises(UidsNotUnderstood, match="StudyInstanceUID is missing"):
        receive(intake, sample("SC_rgb_jls_lossy_line.dcm"))


def test_garbage_is_refused(intake):
    with pytest.raises(DataSetNotUnderstood):
        receive(intake, CT, data_set=b"\xff" * 5000)


def test_under_the_reserve_nothing_is_begun(environment):
    from dataclasses import replace

    from dicomhub.intake.door import Intake

    reserve = replace(environment.intake, disk_reserve_bytes=2**62)
    intake = Intake.open(replace(environment, intake=reserve), owner="test")
    with pytest.raises(OutOfResources, match="under the reserve"):
        begin(intake, CT)
    assert being_written(intake.store.root) == []


def test_a_full_quarantine_takes_nothing_more(environment):
    from dataclasses import replace

    from dicomhub.intake.door import Intake

    bounds = replace(environment.intake, quarantine_max_bytes=10)
    intake = Intake.open(replace(environment, intake=bounds), owner="test")
    with pytest.raises(DataSetNotUnderstood):
        receive(intake, CT, data_set=b"\xff" * 5000)
    assert list(intake.store.absolute(QUARANTINE).iterdir()) == []
    assert being_written(intake.store.root) == []


def test_tenants_are_kept_apart(intake):
    paths = {receive(intake, CT, tenant=tenant).instance.path.split("/")[0] for tenant in ("one", "two")}
    assert paths == {"one", "two"}
