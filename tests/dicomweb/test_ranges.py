"""A part of an instance as it is stored: the rest of what broke off."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pydicom
import pytest

from dicomhub.dicomweb.http.conditional import Validators
from dicomhub.dicomweb.http.ranges import ByteRange, RangeNotSatisfiable, wanted_range
from tests.dicomweb.addressing import path_of
from tests.dicomweb.reading import body_of, json_of
from tests.support.samples import sample

CT = sample("CT_small.dcm")
STORED = "application/dicom; transfer-syntax=*"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", (0, 0)),
        ("bytes=5-", (5, 9)),
        ("bytes=-3", (7, 9)),
        ("bytes=-30", (0, 9)),
        ("bytes=8-100", (8, 9)),
        ("Bytes = 2-3", (2, 3)),
        ("bytes=4-6,0-1,2-4", (0, 6)),
        ("bytes=0-0,20-30", (0, 0)),
        ("bytes=, 1-2 ,", (1, 2)),
        ("bytes=0-0,-1", None),
        ("bytes=", None),
        ("bytes=-", None),
        ("bytes=3-2", None),
        ("bytes=a-b", None),
        ("bytes=0-1;q=1", None),
        ("bytes=\u0661-2", None),
        ("bytes=" + "9" * 40 + "-", None),
        ("bytes=" + ",".join("1-2" for _ in range(1000)), None),
        ("lines=0-1", None),
        ("", None),
    ],
)
def test_which_part_is_asked_for(header, expected):
    found = wanted_range(header, "", size_bytes=10, validators=None)
    assert found == (ByteRange(*expected) if expected else None)


@pytest.mark.parametrize(
    ("header", "size_bytes"), [("bytes=10-", 10), ("bytes=-0", 10), ("bytes=0-", 0), ("bytes=-5", 0)]
)
def test_a_part_that_has_no_byte_cannot_be_had(header, size_bytes):
    with pytest.raises(RangeNotSatisfiable):
        wanted_range(header, "", size_bytes=size_bytes, validators=None)


def test_if_range_takes_nothing_but_a_strong_validator():
    modified_at = datetime.now(UTC) - timedelta(days=1)
    then = format_datetime(modified_at, usegmt=True)
    strong, weak = Validators('"a"', modified_at), Validators('W/"a"', modified_at)
    just_now = Validators('"a"', datetime.now(UTC))
    for if_range, validators, holds in [
        ('"a"', strong, True),
        (then, strong, True),
        ('"b"', strong, False),
        ('W/"a"', weak, False),
        ("nonsense", strong, False),
        (format_datetime(just_now.modified_at, usegmt=True), just_now, False),
        ('"a"', None, False),
    ]:
        found = wanted_range("bytes=0-1", if_range, size_bytes=10, validators=validators)
        assert (found is not None) is holds, if_range


def test_what_broke_off_is_gone_on_with_and_begun_anew_once_it_has_changed(filling, get, edited):
    uid = str(pydicom.dcmread(CT).SOPInstanceUID)
    (instance,) = filling.add(CT)
    archived = filling.store.absolute(instance.path).read_bytes()
    whole = get(path_of(instance), accept=STORED)
    assert whole["Accept-Ranges"] == "bytes"
    rest = get(path_of(instance), accept=STORED, range="bytes=1000-", if_range=whole["ETag"])
    assert rest.status_code == 206
    assert rest["Content-Range"] == f"bytes 1000-{len(archived) - 1}/{len(archived)}"
    assert rest["ETag"] == whole["ETag"]
    assert rest["Content-Type"] == whole["Content-Type"]
    assert body_of(rest) == archived[1000:]
    filling.add(edited(CT, SOPInstanceUID=uid, ImageComments="another"))
    anew = get(path_of(instance), accept=STORED, range="bytes=1000-", if_range=whole["ETag"])
    assert anew.status_code == 200
    assert body_of(anew) == filling.store.absolute(instance.path).read_bytes() != archived


def test_a_part_that_is_not_there_is_416_with_the_size(filling, get):
    (instance,) = filling.add(CT)
    response = get(path_of(instance), accept=STORED, range="bytes=1000000-")
    assert response.status_code == 416
    assert response["Content-Range"] == f"bytes */{instance.size_bytes}"
    assert json_of(response)["detail"] == "Range"


def test_head_and_what_has_no_known_bytes_know_no_ranges(filling, get):
    (instance,) = filling.add(CT)
    head = get(path_of(instance), accept=STORED, method="head", range="bytes=0-1")
    assert (head.status_code, head["Content-Length"]) == (200, str(instance.size_bytes))
    multipart = get(path_of(instance), range="bytes=0-1")
    assert multipart.status_code == 200
    assert "Accept-Ranges" not in multipart
