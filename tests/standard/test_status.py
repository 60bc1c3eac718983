import pytest
from pynetdicom.status import STORAGE_SERVICE_CLASS_STATUS, code_to_category

from dicomhub.standard.status import Status


@pytest.mark.parametrize(
    "status", [status for status in Status if status is not Status.SUCCESS], ids=lambda status: status.name
)
def test_every_other_status_is_a_failure_of_the_storage_service(status):
    assert code_to_category(status) == "Failure"
    assert status in STORAGE_SERVICE_CLASS_STATUS


def test_success_is_zero():
    assert Status.SUCCESS == 0
