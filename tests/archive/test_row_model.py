"""Real files, indexed as they are and told again in the DICOM JSON Model."""

from pathlib import Path

import pydicom
import pytest

from dicomhub.archive import selectors
from dicomhub.archive.columns import PATIENT_COLUMNS, SERIES_COLUMNS, STUDY_COLUMNS
from dicomhub.archive.incoming import key_of
from dicomhub.archive.services import index_batch
from dicomhub.environment import Environment
from dicomhub.intake.door import Intake
from dicomhub.intake.refusal import IntakeRefused
from dicomhub.metadata.instance_model import read_instance_model
from dicomhub.standard.part10 import Part10Malformed
from tasks.messages import InstanceBatch, StoredInstance
from tests.support.receiving import receive
from tests.support.samples import sample, sample_files

NAMES = [
    "CT_small.dcm",
    "MR_small_implicit.dcm",
    "MR_small_bigendian.dcm",
    "image_dfl.dcm",
    "chrH31.dcm",
    "chrH32.dcm",
    "chrI2.dcm",
    "chrX1.dcm",
    "chrGreek.dcm",
    "eCT_Supplemental.dcm",
    "reportsi.dcm",
    "waveform_ecg.dcm",
]


def index_alone(intake: Intake, instance: StoredInstance) -> None:
    key = key_of(instance)
    model, _ = read_instance_model(intake.store, key, instance.sop_instance_uid)
    batch = InstanceBatch(batch_id=instance.sop_instance_uid, instances=(instance,))
    index_batch(batch, headers={key: model}, store=intake.store)


@pytest.mark.django_db
@pytest.mark.parametrize("name", NAMES)
def test_every_column_says_what_the_file_says(environment: Environment, name: str):
    intake = Intake.open(environment, owner="test")
    instance = receive(intake, sample(name)).instance
    index_alone(intake, instance)
    study = selectors.study("default", instance.study_instance_uid)
    series = selectors.series("default", *key_of(instance)[1:])
    found = selectors.study_model(study) | selectors.series_model(series)
    expected = pydicom.dcmread(sample(name)).to_json_dict()
    for column in (*PATIENT_COLUMNS, *STUDY_COLUMNS, *SERIES_COLUMNS):
        said = expected.get(column.tag, {"vr": column.vr})
        if said.get("Value") in ([], [""], [None]):
            del said["Value"]
        assert found[column.tag] == said, column.keyword


@pytest.mark.django_db
def test_every_sample_that_can_be_archived_is_found_by_its_uids(environment: Environment):
    intake = Intake.open(environment, owner="test")
    archived = list(filter(None, (_received(intake, path) for path in sample_files())))
    for instance in archived:
        index_alone(intake, instance)
    for instance in archived:
        (study,) = selectors.studies_matching("default", {"StudyInstanceUID": instance.study_instance_uid})
        files = {other.path for other in archived if other.study_instance_uid == study.study_instance_uid}
        assert study.number_of_instances == len(files)
    assert len(archived) > 100


def _received(intake: Intake, path: Path) -> StoredInstance | None:
    try:
        return receive(intake, path).instance
    except (IntakeRefused, Part10Malformed):
        return None
