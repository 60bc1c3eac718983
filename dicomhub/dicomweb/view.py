"""What every view of DICOMweb has in common: the tenant, what the client accepts, and how it is answered."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, ClassVar, NoReturn

from django.conf import settings
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.cache import patch_cache_control, patch_vary_headers
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from dicomhub.accounts.rights import EVERYTHING, Rights
from dicomhub.dicomweb import errors
from dicomhub.dicomweb.auth.admission import admitted_tenant, demand
from dicomhub.dicomweb.auth.authentication import BearerAuthentication, MembershipAuthentication
from dicomhub.dicomweb.auth.refusal import NotAuthenticated
from dicomhub.dicomweb.http.address import public_address
from dicomhub.dicomweb.http.json_stream import accepts_gzip, gzipped
from dicomhub.dicomweb.http.negotiation import Acceptable
from dicomhub.dicomweb.resource import NothingThere, Resource
from dicomhub.dicomweb.scope import Scope
from dicomhub.environment import Environment
from dicomhub.storage.filesystem import FilesystemStore, open_store


class _ChosenByUs(BaseContentNegotiation):
    """REST framework's own choice knows neither parameters nor multipart; dicomweb.negotiation does."""

    def select_parser(self, _request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(
        self, _request: Request, renderers: Iterable[BaseRenderer], _format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


class DicomWebView(APIView):
    """A request for one tenant's data, by a caller who may do what scopes has for its method."""

    http_method_names = ["get", "head"]  # noqa: RUF012 - declared by Django as an instance variable
    authentication_classes = (BearerAuthentication, MembershipAuthentication)
    permission_classes = ()
    content_negotiation_class = _ChosenByUs

    scopes: ClassVar[Mapping[str, Scope]]
    environment: Environment
    tenant: str
    store: FilesystemStore
    acceptable: Acceptable

    def get_authenticators(self) -> list[BaseAuthentication]:
        return super().get_authenticators() if settings.ENVIRONMENT.auth.is_on else []

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.environment = settings.ENVIRONMENT
        self._admit(request, named=kwargs.get("tenant"))
        self.store = open_store(self.environment)
        self.acceptable = Acceptable.parse(
            parameter=request.query_params.get("accept", ""), header=request.headers.get("Accept", "")
        )

    def _admit(self, request: Request, *, named: str | None) -> None:
        """Raises NotAuthenticated, NothingThere, MethodNotAllowed or ScopeMissing."""
        rights = EVERYTHING
        if self.environment.auth.is_on:
            if not isinstance(request.auth, Rights):
                raise NotAuthenticated
            rights = request.auth
        self.tenant = admitted_tenant(rights, named=named)
        request._request.tenant = self.tenant  # type: ignore[attr-defined] # noqa: SLF001 - for the access log
        method = "GET" if request.method == "HEAD" else request.method or ""
        if method == "OPTIONS":
            return
        if method not in self.scopes:
            raise MethodNotAllowed(method)
        demand(self.scopes[method], of=rights, tenant=self.tenant)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """What was made for one caller is not for a cache that serves others."""
        response = super().finalize_response(request, response, *args, **kwargs)
        if settings.ENVIRONMENT.auth.is_on:
            patch_cache_control(response, private=True)
            patch_vary_headers(response, ["Authorization", "Cookie"])
        return response

    def get_exception_handler(self) -> Any:
        return errors.answer

    def resource(self) -> Resource:
        """What the path names. Raises UidInvalid."""
        return Resource(
            tenant=self.tenant,
            study_instance_uid=self.kwargs["study"],
            series_instance_uid=self.kwargs.get("series"),
            sop_instance_uid=self.kwargs.get("instance"),
        )

    @cached_property
    def base_url(self) -> str:
        """The absolute address of this tenant's service, as the client reached it; no slash at its end."""
        match = self.request.resolver_match
        assert match is not None
        kwargs = {"tenant": self.tenant} if "tenant" in match.kwargs else {}
        address = public_address(self.request, configured=self.environment.web.public_url)
        return address + reverse(f"{match.namespace}:root", kwargs=kwargs).rstrip("/")

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
        patch_vary_headers(response, ["Accept"])
        return response

    def compressible(self, chunks: Iterable[bytes], *, content_type: str) -> StreamingHttpResponse:
        """The same, in gzip for a client that takes it."""
        is_gzip = accepts_gzip(self.request.headers.get("Accept-Encoding", ""))
        response = self.streamed(gzipped(chunks) if is_gzip else chunks, content_type=content_type)
        if is_gzip:
            response["Content-Encoding"] = "gzip"
        patch_vary_headers(response, ["Accept-Encoding"])
        return response

    def warn(self, response: HttpResponseBase, text: str) -> None:
        """Add a Warning header, in the words and the form of PS3.18 8.3.4."""
        warning = f"299 {self.base_url}: {text}"
        response["Warning"] = ", ".join(filter(None, (response.get("Warning"), warning)))


class NoSuchResource(DicomWebView):
    """Whatever no other route names, so that it is answered in the same form as all else."""

    scopes: ClassVar = {"GET": Scope.READ}

    def get(self, _request: Request, **_kwargs: str) -> NoReturn:
        raise NothingThere("resource")
