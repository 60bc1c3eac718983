"""What every view of DICOMweb has in common: the tenant, what the client accepts, and how it is answered."""

from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any, ClassVar, NoReturn

from django.conf import settings
from django.http.response import HttpResponseBase
from django.urls import get_script_prefix, reverse
from django.utils.cache import patch_vary_headers
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request

from dicomhub.accounts.rights import EVERYTHING, Rights
from dicomhub.accounts.scope import Scope
from dicomhub.dicomweb import errors
from dicomhub.dicomweb.answering import Answering
from dicomhub.dicomweb.auth.admission import admitted_tenant, demand
from dicomhub.dicomweb.auth.authentication import BearerAuthentication, MembershipAuthentication
from dicomhub.dicomweb.auth.refusal import NotAuthenticated
from dicomhub.dicomweb.http import conditional
from dicomhub.dicomweb.http.address import client_address, public_address
from dicomhub.dicomweb.http.limits import Place, take_place
from dicomhub.dicomweb.http.negotiation import Acceptable
from dicomhub.dicomweb.resource import NothingThere, Resource
from dicomhub.environment import Environment
from dicomhub.storage.filesystem import FilesystemStore, open_store

_OF_THE_RESOURCE = {200, 206, 304}
_LARGE_BYTES = 16 * 1024 * 1024


class DicomWebView(Answering):
    """A request for one tenant's data, by a caller who may do what scopes has for its method."""

    http_method_names = ["get", "head"]  # noqa: RUF012 - declared by Django as an instance variable
    authentication_classes = (BearerAuthentication, MembershipAuthentication)
    permission_classes = ()

    scopes: ClassVar[Mapping[str, Scope]]
    varies_by: ClassVar[tuple[str, ...]] = ("Accept",)  # request headers that any answer depends on
    place: Place | None = None
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

    def finalize_response(  # type: ignore[override] # most answers here are none of REST framework's
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """Every answer may be kept by its client alone, and has to be asked for again each time."""
        super().finalize_response(request, response, *args, **kwargs)  # type: ignore[arg-type] # likewise
        response.setdefault("Cache-Control", "private, no-cache")
        patch_vary_headers(response, self.varies_by)
        if settings.ENVIRONMENT.auth.is_on:
            patch_vary_headers(response, ["Authorization", "Cookie"])
        if response.status_code in _OF_THE_RESOURCE:
            if self.validators is not None:
                conditional.set_validators(response, self.validators)
            if request.method in {"GET", "HEAD"} and self.scopes.get("GET") is Scope.READ:
                response.setdefault("Content-Location", self._address())
        if self.place is not None:
            _close_with(response, self.place)
        return response

    def _address(self) -> str:
        """Of what was asked for. PS3.18 8.4.2."""
        return self._public_address + self.request.get_full_path()

    def take_place(self, size_bytes: int | None = None) -> None:
        """Count this answer as one of the retrieves a client may have at once. Raises TooManyRetrieves.

        One whose size is given counts from 16 MiB on: viewers ask for dozens of frames at the same time.
        """
        is_small = size_bytes is not None and size_bytes < _LARGE_BYTES
        if self.request.method == "GET" and not is_small:
            self.place = take_place(
                self.environment.retrieves_file,
                self._client(),
                places=self.environment.web.retrieves_per_client,
            )

    def _client(self) -> str:
        """Who takes the places of one client: a user by name, everybody else by address."""
        user = self.request.user
        if user is not None and user.is_authenticated:
            return f"user {self.tenant} {user.get_username()}"
        return client_address(self.request, proxies=self.environment.web.proxies)

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
    def _public_address(self) -> str:
        return public_address(self.request, configured=self.environment.web.public_url)

    @cached_property
    def base_url(self) -> str:
        """The absolute address of this tenant's service, as the client reached it; no slash at its end."""
        match = self.request.resolver_match
        assert match is not None
        return self._public_address + _service_path(
            get_script_prefix(), match.namespace, match.kwargs.get("tenant")
        )

    def warn(self, response: HttpResponseBase, text: str) -> None:
        """Add a Warning header, in the words and the form of PS3.18 8.3.4."""
        warning = f"299 {self.base_url}: {text}"
        response["Warning"] = ", ".join(filter(None, (response.get("Warning"), warning)))


@lru_cache(maxsize=1024)
def _service_path(_script_prefix: str, namespace: str, tenant: str | None) -> str:
    """Without a slash at its end. Django takes 40 us to put it together, and each part says where it is.

    The prefix is in it: one that a proxy gave with another request must not be remembered for this one.
    """
    return reverse(f"{namespace}:root", kwargs={"tenant": tenant} if tenant else {}).rstrip("/")


def _close_with(response: HttpResponseBase, place: Place) -> None:
    """The server closes an answer once it has gone out, or cannot."""
    close = response.close

    def close_both() -> None:
        close()
        place.close()

    response.close = close_both  # type: ignore[method-assign]


class NoSuchResource(DicomWebView):
    """Whatever no other route names, by any method, so that it is answered in the same form as all else."""

    http_method_names = ["get", "head", "post", "put", "patch", "delete", "options"]  # noqa: RUF012 - likewise
    scopes: ClassVar = dict.fromkeys(("GET", "POST", "PUT", "PATCH", "DELETE"), Scope.READ)

    def get(self, _request: Request, **_kwargs: str) -> NoReturn:
        raise NothingThere("resource")

    post = put = patch = delete = get
    options = get  # type: ignore[assignment] # never answered with a Response, as the base has it
