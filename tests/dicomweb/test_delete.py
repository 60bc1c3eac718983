"""DELETE, and what is answered of what was deleted."""

import pydicom
import pytest

from dicomhub.archive.models import Patient, Series, Study
from dicomhub.deletion.models import Deletion
from dicomhub.deletion.restoring import request_restore
from dicomhub.storage.layout import instance_path
from dicomhub.tenants.services import ensure_tenant
from tasks.pipeline.deletions import deletions
from tests.dicomweb.reading import body_of, json_of, parts_of
from tests.support.samples import sample

CT, MR = sample("CT_small.dcm"), sample("MR_small.dcm")
ANY = 'multipart/related; type="application/dicom"; transfer-syntax=*'
STUDY, FIRST, SECOND = "/studies/1.2", "/studies/1.2/series/1.2.1", "/studies/1.2/series/1.2.2"


def instance(series, number):
    return f"{series}/instances/{series.rpartition('/')[2]}.{number}"


@pytest.fixture
def files(edited):
    """A study of a series of three CTs and one of an MR."""
    common = {"StudyInstanceUID": "1.2", "PatientID": "P1", "StudyDescription": "right"}
    cts = [
        edited(
            CT, **common, SeriesInstanceUID="1.2.1", SOPInstanceUID=f"1.2.1.{number}", InstanceNumber=number
        )
        for number in (1, 2, 3)
    ]
    return [*cts, edited(MR, **common, SeriesInstanceUID="1.2.2", SOPInstanceUID="1.2.2.1")]


@pytest.fixture
def study(filling, files):
    filling.add(*files)
    return filling


@pytest.fixture
def delete(get):
    return lambda path, **how: get(path, method="delete", **how)


def statuses(get, *paths, **how):
    return [get(path, **how).status_code for path in paths]


def said(answer):
    body = json_of(answer)
    return body["error"], body["detail"]


def found(get, path, **query):
    return len(json_of(get(path, query)))


EVERY = (
    STUDY,
    FIRST,
    instance(FIRST, 1),
    f"{STUDY}/metadata",
    f"{FIRST}/metadata",
    f"{instance(FIRST, 1)}/metadata",
)


def test_a_deleted_study_is_gone_at_every_level_and_found_by_no_search(study, get, delete):
    archived = sum(path.stat().st_size for path in study.store.absolute("default").glob("*/*/*"))
    answer = delete(STUDY)
    assert answer.status_code == 200
    deletion = Deletion.objects.get()
    sizes = sum(path.stat().st_size for path in study.store.absolute("deleted").glob("*/default/*/*/*"))
    assert sizes == archived > 0
    assert json_of(answer) == {
        "deletion": deletion.deletion_id,
        "instances": 4,
        "bytes": sizes,
        "kept_for_days": 30,
    }
    assert (deletion.state, deletion.level, deletion.requested_by) == ("done", "study", "127.0.0.1")
    assert statuses(get, *EVERY) == [410] * len(EVERY)
    assert said(get(STUDY)) == ("this study was deleted", "path")
    assert get(STUDY, method="head").status_code == 410
    assert delete(STUDY).status_code == 410
    for path in ("/studies", "/series", "/instances", f"{STUDY}/series", f"{FIRST}/instances"):
        assert found(get, path) == 0
    assert not Study.objects.exists()
    assert not Patient.objects.exists()


def test_what_never_was_there_is_404_also_beside_what_was_deleted(study, get, delete):
    delete(FIRST)
    never = ("/studies/9", f"{STUDY}/series/9", f"{SECOND}/instances/9", "/studies/9/metadata")
    assert statuses(get, *never) == [404] * 4
    assert [delete(path).status_code for path in never[:3]] == [404] * 3
    assert delete("/studies/no-uid").status_code == 400
    assert delete(f"{STUDY}/metadata").status_code == 405
    assert delete("/studies").status_code == 405
    assert Deletion.objects.count() == 1


def test_of_one_tenant_nothing_is_seen_by_another(study, get, delete):
    ensure_tenant("other")
    other = "/tenants/other/dicom-web"
    assert delete(STUDY, root=other).status_code == 404
    delete(STUDY)
    assert statuses(get, *EVERY, root=other) == [404] * len(EVERY)
    assert said(get(STUDY, root=other)) == said(get("/studies/9", root=other))


def test_the_last_instances_of_series_and_study_take_them_along(study, get, delete):
    delete(SECOND)
    for number in (1, 2):
        delete(instance(FIRST, number))
    assert statuses(get, instance(FIRST, 1), FIRST, SECOND, STUDY) == [410, 200, 410, 200]
    (row,) = Series.objects.all()
    assert (row.number_of_instances, row.study.number_of_instances, row.study.number_of_series) == (1, 1, 1)
    assert (row.study.modalities_in_study, found(get, f"{STUDY}/instances")) == ("\\CT\\", 1)
    delete(instance(FIRST, 3))
    assert statuses(get, FIRST, STUDY, f"{STUDY}/series/1.2.9") == [410, 410, 410]


def test_rows_say_what_the_newest_instance_that_is_left_says(filling, files, edited, get, delete):
    """An instance that came under a wrong name is why people delete."""
    filling.add(*files)
    right = Study.objects.select_related("patient").get()
    wrong = {
        "StudyInstanceUID": "1.2",
        "SeriesInstanceUID": "1.2.1",
        "PatientID": "P9",
        "PatientName": "Wrong",
    }
    filling.add(edited(CT, **wrong, SOPInstanceUID="1.2.1.9", StudyDescription="wrong", Modality="XA"))
    assert Study.objects.get().patient.patient_id == "P9"
    assert delete(instance(FIRST, 9)).status_code == 200
    study = Study.objects.select_related("patient").get()
    assert (study.study_description, study.patient.patient_id) == ("right", "P1")
    assert study.patient.patient_name == right.patient.patient_name
    assert Series.objects.get(series_instance_uid="1.2.1").modality == "CT"
    assert list(Patient.objects.values_list("patient_id", flat=True)) == ["P1"]
    assert (study.attributes_received_at, study.number_of_instances) == (right.attributes_received_at, 4)


def test_what_no_batch_has_brought_to_the_database_can_be_deleted_and_its_batch_makes_nothing(
    filling, files, get, delete
):
    instances = filling.archive(*files)
    assert json_of(delete(STUDY))["instances"] == 4
    filling.index(instances)
    assert not Study.objects.exists()
    assert get(STUDY).status_code == 410


def test_what_is_stored_again_is_there_again(study, files, get, delete):
    delete(STUDY)
    study.add(files[0])
    assert statuses(get, STUDY, FIRST, instance(FIRST, 1), instance(FIRST, 2), SECOND) == [
        200,
        200,
        200,
        410,
        410,
    ]
    assert found(get, "/studies") == 1
    assert json_of(delete(STUDY))["instances"] == 1
    assert get(STUDY).status_code == 410


def test_a_restored_study_is_what_it_was(study, files, get, delete):
    before = body_of(get(instance(FIRST, 2), accept="application/dicom; transfer-syntax=*"))
    again = pydicom.dcmread(files[0])
    again.PatientComments = "other bytes"
    again.save_as(files[0])
    study.add(files[0])
    delete(STUDY)
    versions = study.store.absolute("versions/default/1.2/1.2.1/1.2.1.1")
    assert not versions.exists()
    assert request_restore(Deletion.objects.all()) == 1
    deletions()
    assert body_of(get(instance(FIRST, 2), accept="application/dicom; transfer-syntax=*")) == before
    assert len(list(versions.iterdir())) == 1
    (deletion,) = Deletion.objects.all()
    assert deletion.state == "restored"
    assert not study.store.absolute("deleted").joinpath(deletion.deletion_id).exists()
    assert get("/studies/1.2/series/1.2.9").status_code == 404


def test_restoring_goes_before_nothing_that_came_since(study, files, get, delete):
    delete(STUDY)
    newer = pydicom.dcmread(files[0])
    newer.PatientComments = "newer"
    newer.save_as(files[0])
    study.add(files[0])
    request_restore(Deletion.objects.all())
    deletions()
    served = json_of(get(f"{instance(FIRST, 1)}/metadata"))
    assert served[0]["00104000"]["Value"] == ["newer"]
    assert get(instance(FIRST, 2), accept=ANY).status_code == 200
    (deletion,) = Deletion.objects.all()
    kept = study.store.absolute(
        f"deleted/{deletion.deletion_id}/{instance_path('default', '1.2', '1.2.1', '1.2.1.1')}"
    )
    assert (deletion.state, kept.exists()) == ("done", True)


def test_what_is_no_instance_in_a_folder_of_ours_is_neither_served_nor_in_the_way(study, get, delete):
    first = study.store.absolute(instance_path("default", "1.2", "1.2.1", "1.2.1.1"))
    stray = first.with_name("a copy.dcm")
    stray.write_bytes(first.read_bytes())
    answer = get(FIRST, accept=ANY)
    assert answer.status_code == 200
    assert len(parts_of(answer)) == 3
    assert delete(STUDY).status_code == 200
    assert get(FIRST).status_code == 410
    assert stray.exists()
