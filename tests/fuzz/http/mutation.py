"""Requests gone wrong: in the path, the query, the headers or the body, in ways that clients know."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from urllib.parse import quote_from_bytes

from tests.fuzz.http.request import Request
from tests.fuzz.mutator import damaged

_MAX_BODY_BYTES = 256 * 1024
_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND")
_SEGMENTS = [
    *b"studies series instances metadata bulkdata frames rendered thumbnail zip 7FE00010 .. . 1 1,2 0 -1".split(),
    *b"99999999999 1.2 %00 %2e%2e %2F %FF %0A x * docs openapi.json".split(), b"", b"1" * 300,
]  # fmt: skip
_KEYS = (b"PatientID PatientName StudyDate StudyTime StudyInstanceUID SeriesNumber Rows ImageType limit offset "
         b"includefield fuzzymatching accept charset 00100020 ContentTime ModalitiesInStudy window viewport "
         b"quality annotation requestType studyUID seriesUID objectUID contentType frameNumber transferSyntax "
         b"rows columns region presentationUID orderby RequestAttributesSequence.ScheduledProcedureStepID "
         b"ReferencedImageSequence.ReferencedSOPInstanceUID WindowCenter 7FE00010 00020010").split()  # fmt: skip
_VALUES = [
    *b"* ? 1 0 -1 - 20040119- -20040119 20041301 all true false a%5Cb [ %25 _ ' %00 %C3%BF %F0%9F%92%A9 =^= 1,2".split(),
    *b"1e9 nan inf 10:61 235959.999999-000000 00000000 WADO image/jpeg 1,2,3,4 0,0,0,0 100,40,linear 40,400".split(),
    *b"%FF%FE +%2B a%5C*%5Cb ********* ^^^^^ ===== application/json multipart/related;type=* x;q=2 ;,;".split(),
    b"", b"9" * 30, b"x" * 2000, b"*" * 300, b"1." * 40, b"*a" * 100, b"?" * 200,
]  # fmt: skip
_ACCEPTS = [
    *b"*/* image/jpeg image/png image/gif image/* video/mp4 application/dicom application/zip text/html".split(),
    *b"application/dicom+json application/dicom+xml application/octet-stream multipart/related ; a/b;q= */*;q=0".split(),
    b'multipart/related; type="application/octet-stream"', b'multipart/related; type="image/jp2"',
    b'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.4.70',
    b'multipart/related; type="application/dicom+xml"', b"application/dicom; transfer-syntax=*",
    b"\x01", b"a/b," * 500, b'multipart/related; type="', b"image/jpeg;q=0.0001, image/png;q=1.1",
]  # fmt: skip
_RANGES = b"bytes=0- bytes=-1 bytes=0-0 bytes=5-2 bytes=0-0,2-3 bytes=99999999999- bytes=a-b bits=1 bytes= bytes=--1".split()
_CONDITIONS = [
    *b'* "" "x" W/"x" x , "x","y"'.split(), b"Thu, 01 Jan 1970 00:00:00 GMT", b"Thu, 01 Jan 9999 00:00:00 GMT",
    b"yesterday", b"-1",
]  # fmt: skip
_CONTENT_TYPES = [
    *b"application/dicom application/dicom+json application/dicom+xml application/json text/plain multipart/related".split(),
    b"multipart/related; boundary=", b'multipart/related; type="application/dicom"; boundary=fuzz2',
    b'multipart/related; type="application/dicom"; boundary="' + b"b" * 100 + b'"', b"multipart/form-data; boundary=fuzz",
    b'multipart/related; type="text/plain"; boundary=fuzz', b"", b"x", b"application/dicom; transfer-syntax=1.2.3",
]  # fmt: skip
_HEADERS: dict[bytes, Sequence[bytes]] = {
    b"Accept": _ACCEPTS,
    b"Accept-Charset": b"utf-8 iso-8859-1 x utf-16;q=1 *;q=0".split(),
    b"Accept-Encoding": b"gzip identity;q=0 *;q=0 gzip;q=2 br,gzip".split(),
    b"Range": _RANGES,
    b"If-Range": _CONDITIONS,
    b"If-None-Match": _CONDITIONS,
    b"If-Match": _CONDITIONS,
    b"If-Modified-Since": _CONDITIONS,
    b"If-Unmodified-Since": _CONDITIONS,
    b"Content-Type": _CONTENT_TYPES,
    b"Content-Encoding": b"gzip deflate x".split(),
    b"Authorization": b"Bearer Basic Bearer\tx Basic\xff Bearer\x20a.b.c Token\x20x".split(),
    b"Origin": b"null https://a.example x".split(),
    b"X-Forwarded-Host": b"a.example x/y \xff".split(),
    b"X-Request-ID": [b"a", b"\xff", b"x" * 300],
    b"Expect": [b"100-continue", b"x"],
}

Mutation = Callable[[random.Random, Request, Sequence[Request]], Request]


def mutated(chance: random.Random, seeds: Sequence[Request]) -> Request:
    """One of the seeds with one to four changes; now and then with none."""
    request = chance.choice(seeds)
    for _ in range(chance.choice((0, 1, 1, 1, 2, 2, 3, 4))):
        request = chance.choice(_MUTATIONS)(chance, request, seeds)
    return request


def _text(chance: random.Random, text: bytes, others: Sequence[bytes]) -> bytes:
    """Bytes gone wrong, quoted so that they are still one piece of a request line."""
    if chance.random() < 0.5:
        return chance.choice(others)
    return quote_from_bytes(damaged(chance, text, others), safe="%,.*?=-^\\").encode()[:3000]


def _change_a_segment(chance: random.Random, request: Request, _seeds: Sequence[Request]) -> Request:
    segments = request.path.split(b"/")
    place = chance.randrange(len(segments))
    segments[place] = _text(chance, segments[place], _SEGMENTS)
    return replace(request, path=b"/" + b"/".join(segments).lstrip(b"/"))


def _move_segments(chance: random.Random, request: Request, _seeds: Sequence[Request]) -> Request:
    segments = request.path.split(b"/")
    start, end = sorted(chance.choices(range(1, len(segments) + 1), k=2))
    if chance.random() < 0.5:
        del segments[start:end]
    else:
        segments[end:end] = segments[start:end] or [chance.choice(_SEGMENTS)]
    return replace(request, path=b"/" + b"/".join(segments).lstrip(b"/"))


def _mix_uids(chance: random.Random, request: Request, seeds: Sequence[Request]) -> Request:
    """A segment of another request's path at the same place: a series of another study."""
    segments, others = request.path.split(b"/"), chance.choice(seeds).path.split(b"/")
    place = chance.randrange(min(len(segments), len(others)))
    segments[place] = others[place]
    return replace(request, path=b"/".join(segments))


def _change_the_query(chance: random.Random, request: Request, _seeds: Sequence[Request]) -> Request:
    query = list(request.query)
    if query and chance.random() < 0.5:
        place = chance.randrange(len(query))
        name, value = query[place]
        query[place] = (name, _text(chance, value, _VALUES))
    else:
        name = chance.choice(_KEYS)
        query.append((name if chance.random() < 0.9 else _text(chance, name, _KEYS), chance.choice(_VALUES)))
    return replace(request, query=tuple(query))


def _change_a_header(chance: random.Random, request: Request, _seeds: Sequence[Request]) -> Request:
    name = chance.choice(list(_HEADERS))
    value = chance.choice(_HEADERS[name])
    if chance.random() < 0.2:
        value = bytes(byte for byte in damaged(chance, value, _HEADERS[name]) if byte not in b"\r\n\0")
    kept = [each for each in request.headers if each[0] != name or chance.random() < 0.1]
    return replace(request, headers=(*kept, (name, value[:4000])))


def _change_the_method(chance: random.Random, request: Request, _seeds: Sequence[Request]) -> Request:
    return replace(request, method=chance.choice(_METHODS))


def _change_the_body(chance: random.Random, request: Request, seeds: Sequence[Request]) -> Request:
    others = [seed.body for seed in chance.choices(seeds, k=5) if seed.body] or [b"--fuzz\r\n"]
    return replace(
        request, body=damaged(chance, request.body or chance.choice(others), others)[:_MAX_BODY_BYTES]
    )


_MUTATIONS: tuple[Mutation, ...] = (
    _change_a_segment,
    _move_segments,
    _mix_uids,
    _change_the_query,
    _change_the_query,
    _change_a_header,
    _change_a_header,
    _change_the_method,
    _change_the_body,
)
