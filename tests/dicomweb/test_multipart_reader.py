"""Each body fed whole, byte by byte, and in two pieces at every place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomhub.dicomweb.http.multipart_reader import (
    HEAD_MAX_BYTES,
    MultipartMalformed,
    MultipartReader,
    PartBegins,
    PartEnds,
)


def parts(body, cuts, boundary="b"):
    """The fields and the content of each part."""
    reader = MultipartReader(boundary)
    found = []
    for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True):
        for event in reader.feed(body[start:end]):
            match event:
                case PartBegins(fields):
                    found.append([dict(fields), b"", False])
                case PartEnds():
                    found[-1][2] = True
                case _:
                    found[-1][1] += event
    reader.close()
    assert all(is_ended for *_, is_ended in found)
    return [(fields, content) for fields, content, _ in found]


def every_way(body, boundary="b"):
    whole = parts(body, [], boundary)
    assert parts(body, range(1, len(body)), boundary) == whole
    for cut in range(1, len(body)):
        assert parts(body, [cut], boundary) == whole
    return whole


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"--b\r\nA: 1\r\n\r\nxyz\r\n--b--\r\n", [({"a": "1"}, b"xyz")]),
        (b"--b\r\n\r\n\r\n--b--", [({}, b"")]),
        (b"\r\n--b\r\n\r\nx\r\n--b\r\n\r\ny\r\n--b--", [({}, b"x"), ({}, b"y")]),
        (b"pre\r\namble --b\r\n--b\r\nA:1\r\n\r\nx\r\n--b--\r\nepi\r\n--b\r\n", [({"a": "1"}, b"x")]),
        (b"--b  \r\nA:\t1 \r\n\r\nx\r\n--b \t\r\n\r\ny\r\n--b--  \r\n", [({"a": "1"}, b"x"), ({}, b"y")]),
        (b"--b\r\nA: 1;\r\n b=2\r\n\tc\r\nB: 3\r\n\r\nx\r\n--b--", [({"a": "1; b=2 c", "b": "3"}, b"x")]),
        (b"--b\r\n\r\n\r\n--bc\r\n-\r\n--\r\n--b\r\r\n--b--", [({}, b"\r\n--bc\r\n-\r\n--\r\n--b\r")]),
        (b"--b\r\n\r\n\r\r\n\r\n\r\n--b--", [({}, b"\r\r\n\r\n")]),
        (b"--b\nA: 1\n\nx\r\n--b\n\ny\n--b--\n", [({"a": "1"}, b"x\r"), ({}, b"y")]),
        (b"--b\r\n\r\na\n--b\nc\r\n--b--", [({}, b"a\n--b\nc")]),
    ],
    ids=str,
)
def test_well_formed(body, expected):
    assert every_way(body) == expected


def test_a_boundary_with_every_character():
    boundary = "gc0p4Jq0M2Yt08j34c0p '()+_,-./:=?"
    body = f"--{boundary}\r\n\r\nx\r\n--{boundary}--".encode()
    assert every_way(body, boundary) == [({}, b"x")]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b",
        b"--b--\r\n",
        b"garbage",
        b"--b\r\nA: 1\r\n\r\nx",
        b"--b\r\nA: 1\r\n\r\nx\r\n--b",
        b"--b\r\nA: 1\r\n\r\nx\r\n--b\r\n",
        b"--b\r\nno field\r\n\r\nx\r\n--b--",
        b"--b\r\nA: " + bytes(HEAD_MAX_BYTES) + b"\r\n\r\nx\r\n--b--",
        bytes(100_000),
    ],
    ids=lambda body: str(body[:40]),
)
def test_malformed(body):
    for cuts in ([], range(1, min(len(body), 100))):
        with pytest.raises(MultipartMalformed):
            parts(body, cuts)


@pytest.mark.parametrize("boundary", ["", "ä", "x" * 71, "ends in a space ", 'a"b'])
def test_no_boundary(boundary):
    with pytest.raises(MultipartMalformed):
        MultipartReader(boundary)


@given(
    st.lists(
        st.lists(st.sampled_from([b"\r", b"\n", b"-", b"b", b"--b", b"\r\n--", b"x"]), max_size=12),
        min_size=1,
    ),
    st.data(),
)
def test_any_content_comes_back(contents, data):
    contents = [b"".join(pieces).replace(b"\r\n--b", b"") for pieces in contents]
    body = b"".join(b"--b\r\n\r\n" + content + b"\r\n" for content in contents) + b"--b--"
    if any(b"\r\n--b" in content + b"\r\n--" for content in contents):
        return
    cuts = sorted(data.draw(st.sets(st.integers(1, len(body) - 1))))
    assert parts(body, cuts) == [({}, content) for content in contents]
