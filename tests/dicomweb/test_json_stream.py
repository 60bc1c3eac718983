import gzip

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomhub.dicomweb.http.json_stream import accepts_gzip, array, gzipped


@given(st.lists(st.dictionaries(st.text(max_size=5), st.integers(0, 9))))
def test_elements_are_one_array(elements):
    assert orjson.loads(b"".join(array(map(orjson.dumps, elements)))) == elements


def test_a_long_array_comes_in_blocks():
    blocks = list(array(b'"%s"' % (b"x" * 1000) for _ in range(1000)))
    assert 10 < len(blocks) < 20
    assert len(orjson.loads(b"".join(blocks))) == 1000


@given(st.lists(st.binary()))
def test_gzip_holds_what_went_in(chunks):
    assert gzip.decompress(b"".join(gzipped(chunks))) == b"".join(chunks)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("deflate, gzip;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip;q=0.000", False),
        ("gzip; q=0, *", False),
        ("*", True),
        ("*;q=0", False),
        ("br", False),
        ("identity", False),
        ("not a header;;", False),
    ],
)
def test_accept_encoding(header, expected):
    assert accepts_gzip(header) is expected
