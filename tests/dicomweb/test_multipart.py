import re

from hypothesis import given
from hypothesis import strategies as st

from dicomhub.dicomweb.http.multipart import PartHead, content_type, encode, encoded_length, new_boundary

BODIES = st.lists(st.lists(st.binary(max_size=40), max_size=4), min_size=1, max_size=4)


def parts_of(bodies):
    return [
        (PartHead("application/dicom; transfer-syntax=1.2", f"http://a/studies/{number}"), chunks)
        for number, chunks in enumerate(bodies)
    ]


def decoded(body, boundary):
    """A reader of its own: RFC 2046 5.1.1, delimiter lines with CRLF on both sides."""
    delimiter = b"\r\n--" + boundary.encode()
    segments = (b"\r\n" + body).split(delimiter)
    assert segments[0] == b""
    assert segments[-1] == b"--\r\n"
    for segment in segments[1:-1]:
        assert segment.startswith(b"\r\n")
        head, _, content = segment[2:].partition(b"\r\n\r\n")
        yield dict(line.split(b": ", 1) for line in head.split(b"\r\n")), content


@given(BODIES)
def test_parts_come_back_whole(bodies):
    boundary = new_boundary()
    body = b"".join(encode(parts_of(bodies), boundary))
    found = list(decoded(body, boundary))
    assert [content for _, content in found] == [b"".join(chunks) for chunks in bodies]
    assert found[0][0] == {
        b"Content-Type": b"application/dicom; transfer-syntax=1.2",
        b"Content-Location": b"http://a/studies/0",
    }


@given(BODIES)
def test_length_is_known_beforehand(bodies):
    boundary = new_boundary()
    sizes = [sum(map(len, chunks)) for chunks in bodies]
    parts = parts_of(bodies)
    heads = (head for head, _ in parts)
    assert encoded_length(zip(heads, sizes, strict=True), boundary) == len(b"".join(encode(parts, boundary)))


def test_a_line_that_looks_like_a_delimiter_divides_nothing():
    bodies = [[b"--boundary\r\n", b"\r\n--dicomhub-\r\n", b"\r\n\r\n--\r\n"]]
    boundary = new_boundary()
    assert [content for _, content in decoded(b"".join(encode(parts_of(bodies), boundary)), boundary)] == [
        b"".join(bodies[0])
    ]


def test_each_response_has_a_boundary_of_its_own():
    assert new_boundary() != new_boundary()
    assert re.fullmatch(r"[0-9a-z-]{1,70}", new_boundary())


def test_content_type_needs_no_quotes_around_the_boundary():
    assert content_type(part_type="application/dicom", boundary="b") == (
        'multipart/related; type="application/dicom"; boundary=b'
    )


def test_parts_are_made_while_they_are_sent():
    made = []

    def chunks(number):
        made.append(number)
        yield b"x"

    body = encode(((PartHead("a/b", ""), chunks(number)) for number in range(3)), "b")
    assert next(body).endswith(b"x")
    assert made == [0]
    next(body)
    assert made == [0, 1]
