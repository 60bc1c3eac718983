"""Who has an answer already is told so, and never when anything has changed."""

import os
from email.utils import parsedate_to_datetime

import pydicom
import pytest

from tasks.pipeline.metadata import metadata
from tests.dicomweb.addressing import path_of
from tests.dicomweb.reading import body_of, json_of
from tests.support.samples import sample

CT = sample("CT_small.dcm")
SINGLE = "application/dicom"
LEVELS = ["instance", "series", "study"]


@pytest.mark.parametrize("resource", ["", "/metadata"])
@pytest.mark.parametrize("level", LEVELS)
def test_a_client_that_has_it_is_told_so_until_an_instance_is_sent_again(
    filling, get, edited, level, resource
):
    uid = str(pydicom.dcmread(CT).SOPInstanceUID)
    (instance,) = filling.add(edited(CT, SOPInstanceUID=uid, ImageComments="first"))
    path = path_of(instance, level) + resource
    whole = get(path)
    assert whole["Cache-Control"] == "private, no-cache"
    assert "Accept" in whole["Vary"]
    for headers in (
        {"if_none_match": whole["ETag"]},
        {"if_none_match": f'"other", {whole["ETag"]}'},
        {"if_modified_since": whole["Last-Modified"]},
        {"if_none_match": whole["ETag"], "if_modified_since": "Mon, 01 Jan 2001 00:00:00 GMT"},
    ):
        for method in ("get", "head"):
            unchanged = get(path, method=method, **headers)
            assert unchanged.status_code == 304
            assert body_of(unchanged) == b""
            for name in ("ETag", "Last-Modified", "Cache-Control"):
                assert unchanged[name] == whole[name]
            assert set(unchanged["Vary"].split(", ")) == set(whole["Vary"].split(", "))
    filling.add(edited(CT, SOPInstanceUID=uid, ImageComments="second"))
    changed = get(path, if_none_match=whole["ETag"])
    assert changed.status_code == 200
    assert b"second" in body_of(changed)


@pytest.mark.parametrize("level", ["series", "study"])
def test_another_instance_changes_series_and_study_before_and_after_it_is_indexed(
    filling, get, edited, level
):
    """While the documents are older than the rows nothing is promised."""
    (first,) = filling.add(edited(CT, StudyInstanceUID="1", SeriesInstanceUID="1.2"))
    path = path_of(first, level)
    tags = {get(path)["ETag"]}
    described = get(f"{path}/metadata")["ETag"]
    more = filling.archive(edited(CT, StudyInstanceUID="1", SeriesInstanceUID="1.2"))
    tags.add(get(path)["ETag"])
    assert len(tags) == 2
    batch = filling.index(more)
    between = get(f"{path}/metadata", if_none_match=described)
    assert between.status_code == 200
    assert "ETag" not in between
    metadata(batch)
    after = get(f"{path}/metadata", if_none_match=described)
    assert len(json_of(after)) == 2
    assert get(f"{path}/metadata", if_none_match=after["ETag"]).status_code == 304


def test_each_representation_has_a_tag_of_its_own_and_bytes_as_stored_a_strong_one(filling, get):
    (instance,) = filling.add(sample("image_dfl.dcm"))
    path = path_of(instance)
    stored, inflated, multipart = (
        get(path, accept=accept)["ETag"] for accept in (f"{SINGLE}; transfer-syntax=*", SINGLE, "")
    )
    assert len({stored, inflated, multipart}) == 3
    assert [tag.startswith("W/") for tag in (stored, inflated, multipart)] == [False, True, True]


def test_a_precondition_that_does_not_hold_is_412_and_one_that_does_is_no_matter(filling, get):
    (instance,) = filling.add(CT)
    whole = get(path_of(instance), accept=SINGLE)
    for headers in (
        {"if_match": '"other"'},
        {"if_unmodified_since": "Mon, 01 Jan 2001 00:00:00 GMT"},
        {"if_match": '"other"', "if_none_match": whole["ETag"]},
    ):
        failed = get(path_of(instance), accept=SINGLE, **headers)
        assert failed.status_code == 412
        assert json_of(failed)["error"]
        assert "ETag" not in failed
    for headers in (
        {"if_match": whole["ETag"]},
        {"if_match": "*"},
        {"if_unmodified_since": whole["Last-Modified"]},
        {"if_none_match": "nonsense", "if_modified_since": "yesterday", "if_unmodified_since": "\xff"},
    ):
        assert get(path_of(instance), accept=SINGLE, **headers).status_code == 200


def test_last_modified_is_the_time_of_the_newest_file(filling, get, edited):
    instances = filling.add(*(edited(CT, StudyInstanceUID="1", SeriesInstanceUID="1.2") for _ in range(2)))
    for instance, seconds in zip(instances, (1_000_000_000, 1_500_000_000.7), strict=True):
        os.utime(filling.store.absolute(instance.path), (seconds, seconds))
    modified = parsedate_to_datetime(get(path_of(instances[0], "study"))["Last-Modified"])
    assert modified.timestamp() == 1_500_000_000
