"""Text is in UTF-8, whoever asks, and for nobody who forbids it."""

import pytest

from tests.dicomweb.addressing import path_of
from tests.dicomweb.reading import json_of
from tests.support.samples import sample


@pytest.mark.parametrize(
    ("parameter", "header", "status"),
    [
        ("", "", 200),
        ("utf-8", "", 200),
        ("", "iso-8859-1, UTF-8;q=0.3", 200),
        ("", "iso-8859-1", 200),
        ("", "*;q=0, utf-8", 200),
        ("utf-8", "utf-8;q=0", 200),
        ("", "nonsense/;;q=7", 200),
        ("", "iso-8859-1, utf-8;q=0", 406),
        ("", "iso-8859-1, *;q=0.000", 406),
        ("iso-8859-1,UTF-8;q=0", "utf-8", 406),
    ],
)
def test_text_is_utf_8(filling, get, parameter, header, status):
    (instance,) = filling.add(sample("CT_small.dcm"))
    query = {"charset": parameter} if parameter else {}
    for path in (f"{path_of(instance)}/metadata", "/studies"):
        response = get(path, query, accept_charset=header)
        assert response.status_code == status
        if status == 406:
            assert json_of(response)["available"] == ["utf-8"]
    assert get(path_of(instance), accept_charset=header).status_code == 200
