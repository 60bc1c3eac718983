"""DELETE of a study, a series or an instance: no part of PS3.18, and as other origin servers have it."""

from typing import ClassVar

from django.http import JsonResponse
from rest_framework.request import Request

from dicomhub.accounts.scope import Scope
from dicomhub.deletion.deleting import NothingToDelete, delete
from dicomhub.deletion.deleting import Request as DeletionRequest
from dicomhub.deletion.target import Target
from dicomhub.dicomweb.http.address import client_address
from dicomhub.dicomweb.resource import NothingThere
from dicomhub.dicomweb.view import DicomWebView


class Delete(DicomWebView):
    """Answers with the id of the deletion, by which it can be undone, and with how much it was."""

    http_method_names = ["delete"]  # noqa: RUF012 - declared by Django as an instance variable
    scopes: ClassVar = {"DELETE": Scope.DELETE}

    def delete(self, request: Request, **_kwargs: str) -> JsonResponse:
        resource = self.resource()
        target = Target(
            tenant=resource.tenant,
            study_instance_uid=resource.study_instance_uid,
            series_instance_uid=resource.series_instance_uid,
            sop_instance_uid=resource.sop_instance_uid,
        )
        try:
            deletion = delete(self.store, target, DeletionRequest(by=self._who(request), source="dicomweb"))
        except NothingToDelete:
            raise NothingThere(resource.kind) from None
        return JsonResponse(
            {
                "deletion": deletion.deletion_id,
                "instances": deletion.number_of_instances,
                "bytes": deletion.size_bytes,
                "kept_for_days": self.environment.deleted_retention_days,
            }
        )

    def _who(self, request: Request) -> str:
        """The user, or the address of a client who did not have to log in."""
        if request.user is not None and request.user.is_authenticated:
            return request.user.get_username()
        return client_address(request, proxies=self.environment.web.proxies)
