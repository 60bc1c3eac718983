"""How any view answers: as it is made, in ranges, compressed, or not at all to whoever has it already."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from dicomhub.dicomweb.http import conditional
from dicomhub.dicomweb.http.charset import check_charset
from dicomhub.dicomweb.http.json_stream import accepts_gzip, gzipped
from dicomhub.dicomweb.http.ranges import ByteRange, wanted_range


class _ChosenByUs(BaseContentNegotiation):
    """REST framework's own choice knows neither parameters nor multipart; dicomweb.negotiation does."""

    def select_parser(self, _request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(
        self, _request: Request, renderers: Iterable[BaseRenderer], _format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


class Answering(APIView):
    """validators: of what is answered to this request, once unchanged() was called."""

    content_negotiation_class = _ChosenByUs
    validators: conditional.Validators | None = None

    def unchanged(self, *, etag: str, modified_at: datetime | None = None) -> HttpResponseBase | None:
        """The 304 for a client that has this representation already; None: it is to be sent.

        To be called once the representation is chosen and known to be there: what is answered to this
        request has these validators from then on. Raises PreconditionFailed.
        """
        self.validators = conditional.Validators(etag, modified_at)
        return conditional.unchanged(self.request, self.validators)

    def streamed(
        self,
        chunks: Iterable[bytes],
        *,
        content_type: str,
        status: int = 200,
        length_bytes: int | None = None,
    ) -> StreamingHttpResponse:
        """A response that is made while it is sent. HEAD is answered without making any of it."""
        is_head = self.request.method == "HEAD"
        response = StreamingHttpResponse(() if is_head else chunks, status=status, content_type=content_type)
        if length_bytes is not None:
            response["Content-Length"] = str(length_bytes)
        return response

    def in_ranges(
        self, section: Callable[[int, int], Iterable[bytes]], *, size_bytes: int, content_type: str
    ) -> StreamingHttpResponse:
        """A representation of known size, or the range of it that is asked for. Raises RangeNotSatisfiable.

        section makes so many bytes from an offset (offset, length). unchanged() comes before this: If-Range
        needs the validators.
        """
        headers, is_get = self.request.headers, self.request.method == "GET"
        wanted = wanted_range(
            headers.get("Range", "") if is_get else "",
            headers.get("If-Range", ""),
            size_bytes=size_bytes,
            validators=self.validators,
        )
        part = wanted or ByteRange(0, size_bytes - 1)
        response = self.streamed(
            section(part.first, part.length_bytes) if is_get else (),
            content_type=content_type,
            status=206 if wanted else 200,
            length_bytes=part.length_bytes,
        )
        response["Accept-Ranges"] = "bytes"
        if wanted:
            response["Content-Range"] = wanted.content_range(size_bytes)
        return response

    def compressible(self, chunks: Iterable[bytes], *, content_type: str) -> StreamingHttpResponse:
        """Text, in gzip for a client that takes it. Raises CharsetNotAcceptable."""
        self.check_charset()
        is_gzip = accepts_gzip(self.request.headers.get("Accept-Encoding", ""))
        response = self.streamed(gzipped(chunks) if is_gzip else chunks, content_type=content_type)
        if is_gzip:
            response["Content-Encoding"] = "gzip"
        patch_vary_headers(response, ["Accept-Encoding", "Accept-Charset"])
        return response

    def check_charset(self) -> None:
        """For an answer that is text. Raises CharsetNotAcceptable."""
        check_charset(
            parameter=self.request.query_params.get("charset", ""),
            header=self.request.headers.get("Accept-Charset", ""),
        )
