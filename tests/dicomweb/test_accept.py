import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomhub.dicomweb.http.accept import (
    ANYTHING,
    AcceptMalformed,
    MediaRange,
    parse_accept_header,
    parse_accept_parameter,
)

DICOM_PARTS = (("type", "application/dicom"),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ANYTHING),
        (" , ,", ANYTHING),
        ("*/*", ANYTHING),
        ("application/dicom", (MediaRange("application", "dicom"),)),
        ("Application/DICOM", (MediaRange("application", "dicom"),)),
        ("image/*;q=0.5", (MediaRange("image", "*", quality=0.5),)),
        ("a/b;q=0, c/d ; q=1.000", (MediaRange("a", "b", quality=0), MediaRange("c", "d"))),
        ("a/b;q=0.3;ext=1", (MediaRange("a", "b", quality=0.3),)),
        ("a/b; ;c=d;", (MediaRange("a", "b", (("c", "d"),)),)),
        ('multipart/related; type="application/dicom"', (MediaRange("multipart", "related", DICOM_PARTS),)),
        ("multipart/related;type=application/dicom", (MediaRange("multipart", "related", DICOM_PARTS),)),
        ("multipart/related;TYPE=application/dicom", (MediaRange("multipart", "related", DICOM_PARTS),)),
        (
            'multipart/related; type="application/dicom"; transfer-syntax=*, */*;q=0.1',
            (
                MediaRange("multipart", "related", (*DICOM_PARTS, ("transfer-syntax", "*"))),
                MediaRange("*", "*", quality=0.1),
            ),
        ),
        (
            "text/html, image/gif, *; q=.2, */*; q=.2",  # Java's default
            (MediaRange("text", "html"), MediaRange("image", "gif"), MediaRange("*", "*", quality=0.2)),
        ),
        ("foo, a/b;q=2, c/d", (MediaRange("c", "d"),)),
        ('a/b;c="x, y/z, c/d', ()),
        ("a/b;q=0.12345", (MediaRange("a", "b", quality=0.12345),)),
        (r'a/b;c="x\"y, z;q=0"', (MediaRange("a", "b", (("c", 'x"y, z;q=0'),)),)),
        ('a/b;c=""', (MediaRange("a", "b", (("c", ""),)),)),
    ],
)
def test_accept_header(text, expected):
    assert parse_accept_header(text) == expected


NOT_VALID = (
    "text",
    "/dicom",
    "application/",
    "*/dicom",
    "a/b c/d",
    "a/b;q=2",
    "a/b;q=-1",
    "a/b;q=",
    "a/b;q=0.3;ext=1;x",
    'a/b;c="open',
    "a/b;=c",
    "a/b\x00",
    "ä/ö",
)


@pytest.mark.parametrize("text", NOT_VALID)
def test_what_is_not_valid_is_ignored_in_the_header_and_refused_in_the_parameter(text):
    assert parse_accept_header(text) == ()
    assert parse_accept_header(f"c/d, {text}") == (MediaRange("c", "d"),)
    with pytest.raises(AcceptMalformed) as error:
        parse_accept_parameter(text)
    assert error.value.where == "accept parameter"


def test_accept_parameter_takes_a_plus_sign_that_was_not_encoded():
    assert parse_accept_parameter("application/dicom json")[0].name == "application/dicom+json"


def test_accept_parameter_takes_no_wildcards():
    with pytest.raises(AcceptMalformed) as error:
        parse_accept_parameter("image/*")
    assert error.value.where == "accept parameter"


def test_absent_accept_parameter_is_no_choice_at_all():
    assert parse_accept_parameter("") == ()


@given(st.text(max_size=60))
def test_any_text_is_read(text):
    assert all(0 <= each.quality <= 1 for each in parse_accept_header(text))


TOKENS = st.text("abcdefghijklmnopqrstuvwxyz0123456789+-.", min_size=1, max_size=12)
QUALITIES = st.integers(0, 1000).map(lambda thousandths: thousandths / 1000)
RANGES = st.builds(
    MediaRange,
    type=TOKENS,
    subtype=TOKENS,
    parameters=st.lists(
        st.tuples(TOKENS.filter(lambda name: name != "q"), st.text(max_size=12)), max_size=3
    ).map(tuple),
    quality=QUALITIES,
)


def quoted(text):
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def written(media_range):
    parameters = "".join(f"; {name}={quoted(value)}" for name, value in media_range.parameters)
    return f"{media_range.name}{parameters};q={media_range.quality:.3f}"


@given(st.lists(RANGES, min_size=1, max_size=4))
def test_what_is_written_is_read_back(ranges):
    assert parse_accept_header(", ".join(map(written, ranges))) == tuple(ranges)
