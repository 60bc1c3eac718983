"""An instance that is gone by the time its turn comes: the client learns that it has not got everything."""

import pytest
import requests
from urllib3.exceptions import ProtocolError

from tests.dicomweb.served import serving
from tests.support.ct_series import write_ct_series


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return tmp_path_factory.mktemp("log") / "web.log"


@pytest.fixture(scope="module")
def served(tmp_path_factory, log):
    """A study of 32 MB: more than what the kernel takes for a client that does not read."""
    folder = tmp_path_factory.mktemp("broken")
    paths = write_ct_series(folder / "ct", instances=60, patient_id="P", rows=512)
    with serving(folder / "home", *paths, log=log) as server:
        yield server


def test_a_study_whose_last_instance_is_deleted_meanwhile_ends_before_its_length(served, log):
    [found] = requests.get(f"{served.dicomweb}/studies", timeout=300).json()
    study = f"{served.dicomweb}/studies/{found['0020000D']['Value'][0]}"
    as_stored = {"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'}
    last = max(served.store_root.glob("default/*/*/*.dcm"))
    with requests.get(study, headers=as_stored, stream=True, timeout=300) as answer:
        announced = int(answer.headers["Content-Length"])
        answer.raw.read(1)
        last.unlink()
        with pytest.raises(ProtocolError, match="IncompleteRead"):
            answer.raw.read()
    again = requests.get(study, headers=as_stored, timeout=300)
    assert len(again.content) == int(again.headers["Content-Length"]) < announced
    written = log.read_text()
    assert "answer_broken_off" in written
    assert "Traceback" not in written
