"""Every method of dicomweb-client, against a server that runs."""

import inspect
from collections.abc import Callable

import numpy as np
import pytest
from dicomweb_client.api import DICOMwebClient
from pydicom import Dataset, dcmread
from pydicom.uid import generate_uid
from requests import HTTPError

from tests.dicomweb.served import serving
from tests.support.studies_to_serve import ct_study

_INSTANCES = 3


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return ct_study(tmp_path_factory.mktemp("client") / "CLIENT", instances=_INSTANCES, rows=64)


@pytest.fixture(scope="module")
def client(study, tmp_path_factory):
    with serving(tmp_path_factory.mktemp("served"), *study.files) as server:
        yield DICOMwebClient(server.dicomweb)


class Checks:
    """What each method gives; named like it."""

    def __init__(self, client: DICOMwebClient, files) -> None:
        self.client = client
        self.sent = [dcmread(path) for path in files]
        first = self.sent[0]
        self.study = first.StudyInstanceUID
        self.series = (self.study, first.SeriesInstanceUID)
        self.instance = (*self.series, first.SOPInstanceUID)
        self.pixels = first.PixelData

    def search_for_studies(self) -> None:
        (found,) = self.client.search_for_studies(search_filters={"PatientID": "CLIENT"}, fields=["StudyID"])
        assert Dataset.from_json(found).NumberOfStudyRelatedInstances == _INSTANCES

    def search_for_series(self) -> None:
        (found,) = self.client.search_for_series(self.study)
        assert Dataset.from_json(found).SeriesInstanceUID == self.series[1]

    def search_for_instances(self) -> None:
        found = self.client.search_for_instances(*self.series, limit=1, get_remaining=True)
        assert self._uids(map(Dataset.from_json, found)) == self._uids(self.sent)

    def retrieve_study(self) -> None:
        self._is_sent(self.client.retrieve_study(self.study))

    def retrieve_series(self) -> None:
        self._is_sent(self.client.retrieve_series(*self.series))

    def retrieve_instance(self) -> None:
        got = self.client.retrieve_instance(*self.instance)
        assert got == self.sent[0]

    def iter_study(self) -> None:
        self._is_sent(list(self.client.iter_study(self.study)))

    def iter_series(self) -> None:
        self._is_sent(list(self.client.iter_series(*self.series)))

    def retrieve_study_metadata(self) -> None:
        self._is_described(self.client.retrieve_study_metadata(self.study))

    def retrieve_series_metadata(self) -> None:
        self._is_described(self.client.retrieve_series_metadata(*self.series))

    def retrieve_instance_metadata(self) -> None:
        metadata = self.client.retrieve_instance_metadata(*self.instance)
        assert metadata["00080018"]["Value"] == [self.instance[2]]

    def retrieve_instance_frames(self) -> None:
        assert self.client.retrieve_instance_frames(*self.instance, [1]) == [self.pixels]

    def iter_instance_frames(self) -> None:
        assert list(self.client.iter_instance_frames(*self.instance, [1])) == [self.pixels]

    def retrieve_bulkdata(self) -> None:
        assert self.client.retrieve_bulkdata(self._pixel_data_uri()) == [self.pixels]

    def iter_bulkdata(self) -> None:
        assert list(self.client.iter_bulkdata(self._pixel_data_uri())) == [self.pixels]

    def retrieve_instance_rendered(self) -> None:
        assert self.client.retrieve_instance_rendered(*self.instance)[:2] == b"\xff\xd8"

    def retrieve_instance_frames_rendered(self) -> None:
        picture = self.client.retrieve_instance_frames_rendered(
            *self.instance, [1], media_types=("image/png",)
        )
        assert picture[:4] == b"\x89PNG"

    def retrieve_series_rendered(self) -> None:
        assert b"\xff\xd8" in self.client.retrieve_series_rendered(*self.series)

    def store_instances(self) -> None:
        copy = dcmread(self.sent[0].filename)
        self._give_new_uids(copy)
        answer = self.client.store_instances([copy])
        assert answer.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == copy.SOPInstanceUID
        stored = self.client.retrieve_instance(
            copy.StudyInstanceUID, copy.SeriesInstanceUID, copy.SOPInstanceUID
        )
        assert np.array_equal(stored.pixel_array, copy.pixel_array)

    def delete_study(self) -> None:
        self._delete(lambda data_set: self.client.delete_study(data_set.StudyInstanceUID))

    def delete_series(self) -> None:
        self._delete(
            lambda data_set: self.client.delete_series(data_set.StudyInstanceUID, data_set.SeriesInstanceUID)
        )

    def delete_instance(self) -> None:
        self._delete(
            lambda data_set: self.client.delete_instance(
                data_set.StudyInstanceUID, data_set.SeriesInstanceUID, data_set.SOPInstanceUID
            )
        )

    def _delete(self, delete: Callable[[Dataset], None]) -> None:
        copy = dcmread(self.sent[0].filename)
        self._give_new_uids(copy)
        self.client.store_instances([copy])
        delete(copy)
        with pytest.raises(HTTPError) as gone:
            self.client.retrieve_instance(copy.StudyInstanceUID, copy.SeriesInstanceUID, copy.SOPInstanceUID)
        assert gone.value.response.status_code == 410

    def _is_sent(self, got: list[Dataset]) -> None:
        assert sorted(got, key=lambda each: each.SOPInstanceUID) == sorted(
            self.sent, key=lambda each: each.SOPInstanceUID
        )

    def _is_described(self, metadata: list[dict]) -> None:
        assert self._uids(map(Dataset.from_json, self._without_bulk_data(metadata))) == self._uids(self.sent)

    @staticmethod
    def _without_bulk_data(metadata: list[dict]) -> list[dict]:
        return [
            {tag: value for tag, value in each.items() if "BulkDataURI" not in value} for each in metadata
        ]

    def _pixel_data_uri(self) -> str:
        return self.client.retrieve_instance_metadata(*self.instance)["7FE00010"]["BulkDataURI"]

    @staticmethod
    def _uids(data_sets) -> list[str]:
        return sorted(each.SOPInstanceUID for each in data_sets)

    @staticmethod
    def _give_new_uids(data_set: Dataset) -> None:
        data_set.StudyInstanceUID, data_set.SeriesInstanceUID = generate_uid(), generate_uid()
        data_set.SOPInstanceUID = data_set.file_meta.MediaStorageSOPInstanceUID = generate_uid()


# Of the client itself: they ask a server nothing.
_ITS_OWN = {"lookup_keyword", "lookup_tag", "set_chunk_size", "set_http_retry_params"}
_METHODS = sorted(
    name
    for name, _ in inspect.getmembers(DICOMwebClient, callable)
    if not name.startswith("_") and name not in _ITS_OWN
)


@pytest.mark.parametrize("method", _METHODS)
def test_method(client, study, method):
    getattr(Checks(client, study.files), method)()
