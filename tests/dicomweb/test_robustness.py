"""Whatever is asked, the answer is an answer: never a failure of ours."""

import random
from urllib.parse import quote

import pytest

from tests.dicomweb.reading import body_of
from tests.support.samples import sample

CT = sample("CT_small.dcm")
STUDY = "1.3.6.1.4.1.5962.1.2.1.20040119072730.12322"
SERIES = "1.3.6.1.4.1.5962.1.3.1.1.20040119072730.12322"
INSTANCE = "1.3.6.1.4.1.5962.1.1.1.1.1.20040119072730.12322"
SEGMENTS = [
    "studies",
    "series",
    "instances",
    "metadata",
    "bulkdata",
    "7FE00010",
    "",
    "..",
    STUDY,
    SERIES,
    INSTANCE,
]
KEYS = [
    "PatientID",
    "PatientName",
    "StudyDate",
    "StudyTime",
    "StudyInstanceUID",
    "SeriesNumber",
    "Rows",
    "ImageType",
]
KEYS += [
    "limit",
    "offset",
    "includefield",
    "fuzzymatching",
    "accept",
    "00100020",
    "ContentTime",
    "ModalitiesInStudy",
]
VALUES = [
    "",
    "*",
    "?",
    "1",
    "-",
    "20040119-",
    "all",
    "true",
    "a\\b",
    "[",
    "%",
    "_",
    "'",
    "\0",
    "ÿ",
    "\U0001f4a9",
    "=^=",
]
VALUES += [
    "9" * 30,
    "1,2",
    "application/json",
    "x" * 2000,
    "*" * 300,
    "-1",
    "1e9",
    "10:61",
    "00000000",
    STUDY,
]
ACCEPTS = [
    "*/*",
    "",
    "application/dicom",
    "multipart/related",
    "multipart/related;type=application/dicom;q=0",
]
ACCEPTS += [
    "multipart/related; type=application/octet-stream",
    "application/dicom+json",
    ";",
    "a/b;q=",
    "\x01",
]


def requests_to_try(seed):
    chance = random.Random(seed)
    for _ in range(100):
        path = "/".join(chance.choices(SEGMENTS, k=chance.randint(0, 8)))
        if chance.random() < 0.7:
            known = [f"studies/{STUDY}", f"series/{SERIES}", f"instances/{INSTANCE}"][: chance.randint(0, 3)]
            path = "/".join([*known, *chance.choices(SEGMENTS, k=chance.randint(0, 2))])
        if chance.random() < 0.2:
            path += quote(chance.choice(VALUES))
        keys = chance.sample(KEYS, chance.randint(0, 3))
        yield path, {key: chance.choice(VALUES) for key in keys}, chance.choice(ACCEPTS)


@pytest.mark.parametrize("seed", range(10))
def test_no_request_makes_us_fail(filling, get, seed):
    filling.add(CT)
    statuses = set()
    for path, query, accept in requests_to_try(seed):
        response = get(f"/{path}", query, accept=accept, accept_encoding=accept)
        assert response.status_code in {200, 204, 400, 404, 405, 406}, (path, query, accept)
        if response.status_code >= 400:
            assert response["Content-Type"] == "application/json"
        body_of(response)
        statuses.add(response.status_code)
    assert {200, 400, 404} <= statuses
