"""Several pictures as one multipart, each drawn while the one before it is sent."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, zip_longest

from dicomhub.dicomweb.http import multipart
from dicomhub.dicomweb.rendered.pictures import Drawing, draw
from dicomhub.dicomweb.rendered.subject import NoPicture
from tasks.transcode.pool import CodecPool


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """location is the resource that has this picture alone, as a path below the service's root."""

    drawing: Drawing
    location: str


def pictures_body(
    pool: CodecPool, parts: Sequence[Part], *, base_url: str, boundary: str, patience_seconds: float
) -> Iterator[bytes]:
    """The body, begun: its first picture is drawn. Those that cannot be are left out, and the log says why.

    Raises NoPicture when none of them can be, and CodecUnavailable.
    """
    drawn = _drawn(pool, parts, patience_seconds=patience_seconds)
    first = next(drawn, None)
    if first is None:
        raise NoPicture("nothing of it can be shown")
    media_type = parts[0].drawing.look.media_type
    with_heads = (
        (multipart.PartHead(media_type, base_url + part.location), (image,))
        for part, image in chain([first], drawn)
    )
    return multipart.encode(with_heads, boundary)


def _drawn(
    pool: CodecPool, parts: Sequence[Part], *, patience_seconds: float
) -> Iterator[tuple[Part, bytes]]:
    def begin(part: Part) -> bytes | None:
        try:
            return draw(pool, part.drawing, patience_seconds=patience_seconds)
        except NoPicture:
            return None

    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as executor:
        following = executor.submit(begin, parts[0])
        for part, after in zip_longest(parts, parts[1:]):
            image = following.result()
            if after is not None:
                following = executor.submit(begin, after)
            if image is not None:
                yield part, image
